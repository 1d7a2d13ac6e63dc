package dev.truce.cli;

import dev.truce.Durability;
import dev.truce.Fence;
import dev.truce.FencedException;
import dev.truce.Truce;
import dev.truce.store.Commit;
import dev.truce.store.ConflictException;
import dev.truce.store.Read;
import dev.truce.store.Snapshot;
import dev.truce.store.Store;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.util.List;
import java.util.Locale;
import java.util.UUID;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// A call of one of the verbs of stores: what it names, and how it reads and writes.
final class StoreCall {
  private static final int UUID_LENGTH = 36;

  /// More than any revision.
  static final long REVISIONS = 1L << 52;

  private final Options options;
  private final Console console;
  private final List<String> operands;
  private final Place place;

  private StoreCall(Options options, Console console, List<String> operands) {
    this.options = options;
    this.console = console;
    this.operands = operands;
    this.place = Place.find(options, console);
  }

  /// @param named what its operands are called, the first of which is the store
  /// @param least how many of them have to be there
  static StoreCall of(Options options, Console console, int least, String... named) {
    List<String> operands = options.operands();
    if (operands.size() < least) {
      throw Failure.usage(options.verb(), "which " + named[operands.size()] + "?");
    }
    if (operands.size() > named.length) {
      throw Failure.usage(options.verb(), "one too many: " + Text.word(operands.get(named.length)));
    }
    for (int i = 0; i < operands.size(); i++) {
      if (!Options.isUtf8(operands.get(i))) {
        throw Failure.usage(options.verb(), "the " + named[i] + " is not UTF-8 text");
      }
    }
    return new StoreCall(options, console, operands);
  }

  /// One that names no store.
  static StoreCall rooted(Options options, Console console) {
    return new StoreCall(options, console, List.of());
  }

  boolean json() {
    return options.has("json");
  }

  String name() {
    return operands.getFirst();
  }

  /// What stands at this place, or null.
  @Nullable String operand(int place) {
    return place < operands.size() ? operands.get(place) : null;
  }

  /// The root, for whoever `TRUCE_OWNER` names.
  Truce open() {
    return Truce.builder()
        .engine(place.open(console))
        .owner(Acquire.owner(options, console))
        .host(Console.host())
        .open();
  }

  Store<byte[]> store(Truce truce) {
    return truce.store(name());
  }

  /// Commits to the store as the flags and the environment say, and says what came of it.
  int commit(Function<Store<byte[]>, Commit> body) {
    Way way = way();
    return commitTo(truce -> body.apply(way.of(store(truce))));
  }

  /// Commits as `body` does, and says what came of it.
  int commitTo(Function<Truce, Commit> body) {
    Commit commit;
    try (Truce truce = open()) {
      commit = body.apply(truce);
    } catch (FencedException refused) {
      throw Failure.fenced(refused);
    } catch (ConflictException refused) {
      Sides.say(refused, operand(0), json(), console);
      return Failure.MOVED_ON;
    }
    said(commit);
    return 0;
  }

  /// The store, to be written to as the flags and the environment say.
  Store<byte[]> writing(Truce truce) {
    return writing(truce, name());
  }

  Store<byte[]> writing(Truce truce, String store) {
    return way().of(truce.store(store));
  }

  /// How it is written.
  ///
  /// @param id of the commit, where the caller chose one
  /// @param fence what it rests on
  private record Way(Durability durability, @Nullable UUID id, @Nullable Fence fence) {
    Store<byte[]> of(Store<byte[]> store) {
      Store<byte[]> safe = store.withDurability(durability);
      Store<byte[]> named = id == null ? safe : safe.withId(id);
      return fence == null ? named : named.withFence(fence);
    }
  }

  private Way way() {
    return new Way(
        durability(), id(), options.has("no-fence") ? null : Grants.fence(place, console));
  }

  /// The revision; nothing where nothing was changed. What a commit changed that has landed before
  /// is not known for ever.
  private void said(Commit commit) {
    if (json()) {
      console.print(json(commit).toString());
      return;
    }
    if (commit.changed() > 0 || commit.repeated()) {
      console.print(Long.toString(commit.revision()));
    }
    if (commit.repeated()) {
      console.error(
          "truce: --id "
              + commit.id()
              + " has landed before, as revision "
              + commit.revision()
              + "; nothing was written now");
    }
  }

  private Json json(Commit commit) {
    Json json =
        Json.object()
            .put("schema", "truce.commit/1")
            .put("revision", commit.revision())
            .put("durability", commit.durability().name().toLowerCase(Locale.ROOT));
    return fence(json, commit)
        .put("id", commit.id().toString())
        .put("store", operand(0))
        .put("changed", commit.changed())
        .put("resolved", commit.resolved())
        .put("repeated", commit.repeated());
  }

  /// What is there, or was at the revision of `--at`.
  Snapshot<byte[]> snapshot(Truce truce) {
    long at = options.number("at", 1, REVISIONS, 0);
    if (at > 0 && options.has("applied")) {
      throw Failure.usage(options.verb(), "--at and --applied exclude each other");
    }
    return at > 0
        ? store(truce).snapshotAt(at)
        : store(truce).snapshot(options.has("applied") ? Read.APPLIED : Read.DURABLE);
  }

  /// The revision of `--if-revision`, -1 for any.
  long ifRevision() {
    return options.number("if-revision", 0, REVISIONS, -1);
  }

  private @Nullable UUID id() {
    String given = options.value("id");
    try {
      return given == null ? null : uuid(given);
    } catch (IllegalArgumentException noUuid) {
      throw Failure.usage(
          options.verb(), "--id takes a UUID, as uuidgen makes them, not: " + given);
    }
  }

  private static UUID uuid(String text) {
    if (text.length() != UUID_LENGTH) {
      throw new IllegalArgumentException("not of the length of a UUID");
    }
    return UUID.fromString(text);
  }

  private Durability durability() {
    String given = options.value("durability");
    return switch (given == null ? "fsync" : given) {
      case "fsync" -> Durability.FSYNC;
      case "os" -> Durability.OS;
      case "none" -> Durability.NONE;
      default ->
          throw Failure.usage(options.verb(), "--durability is fsync, os or none, not: " + given);
    };
  }

  /// The tokens that it carried.
  static Json fence(Json json, Commit commit) {
    Json fence = Json.object();
    if (commit.fence().isPresent()) {
      commit.fence().get().tokens().forEach(fence::put);
    }
    return json.put("fence", fence);
  }

  /// The operand at this place as a revision.
  long revision(int place) {
    return Options.number(options.verb(), "a revision", operands.get(place), 1, REVISIONS);
  }

  /// An operand, or where it is `-` all that stdin says.
  ///
  /// @param what it is called
  /// @param most bytes
  byte[] bytes(String operand, String what, int most) {
    byte[] bytes =
        operand.equals("-")
            ? input(console.in(), "stdin", most)
            : operand.getBytes(StandardCharsets.UTF_8);
    if (bytes.length > most) {
      throw Failure.usage(
          options.verb(), "the " + what + " has more than the " + most + " bytes that are allowed");
    }
    return bytes;
  }

  /// All of it, but for what lies more than a byte behind `most`.
  private static byte[] input(InputStream in, String source, int most) {
    try {
      return in.readNBytes(most + 1);
    } catch (IOException unreadable) {
      throw Failure.unreadable(source, unreadable);
    }
  }

  /// All that is in a file, or that stdin says where that is `-` or not given.
  byte[] content(@Nullable String file, int most) {
    String source = file == null ? "-" : file;
    try (InputStream in = input(source)) {
      byte[] content = input(in, source, most);
      if (content.length > most) {
        throw Failure.usage(
            options.verb(), "there are more than the " + most + " bytes that are allowed");
      }
      return content;
    } catch (IOException unreadable) {
      throw Failure.unreadable(source, unreadable);
    }
  }

  InputStream input(String file) {
    try {
      return file.equals("-")
          ? console.in()
          : Files.newInputStream(console.directory().resolve(file));
    } catch (IOException | InvalidPathException unreadable) {
      throw Failure.unreadable(file, unreadable);
    }
  }
}
