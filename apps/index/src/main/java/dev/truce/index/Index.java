package dev.truce.index;

import dev.truce.EngineException;
import dev.truce.Truce;
import dev.truce.TruceException;
import dev.truce.file.FileEngine;
import dev.truce.index.Catalog.Moment;
import dev.truce.index.Catalog.Put;
import dev.truce.index.Catalog.Removed;
import dev.truce.index.Tree.Found;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// What `truce index` calls: an index of files and other artifacts, in the store `index` of a root.
public final class Index {
  private static final int DIFFERS = 1;
  private static final int INVALID = 64;
  private static final int UNREAD = 74;
  private static final int MOVED_ON = 76;

  /// How many writers there are unless somebody says so.
  private static final int USUAL_WRITERS = 4;

  private static final Duration PATIENCE = Duration.ofSeconds(10);

  private final Call call;
  private final Answer answer;
  private final PrintStream out;
  private final PrintStream err;
  private final Tree tree;

  private Index(Call call, PrintStream out, PrintStream err) {
    this.call = call;
    this.answer = new Answer(out, err, call.json());
    this.out = out;
    this.err = err;
    this.tree = Tree.of(call.root(), call.value("framework", ""));
  }

  /// Runs one verb and answers with its exit status; what it throws is for the command to say, of
  /// an `UncheckedIOException` the message and, in words of its own, the cause.
  public static int run(List<String> arguments, PrintStream out, PrintStream err) {
    Call call = Call.of(arguments);
    Index index = new Index(call, out, err);
    try {
      return index.run();
    } catch (IOException failure) {
      throw new EngineException(
          EngineException.Kind.IO, String.valueOf(failure.getMessage()), failure);
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("the index was stopped", stopped);
    }
  }

  static Truce open(FileEngine engine, String owner) {
    return Truce.builder().engine(engine).owner(owner).open();
  }

  private int run() throws IOException, InterruptedException {
    FileEngine engine =
        call.make() ? FileEngine.open(call.root()) : FileEngine.existing(call.root());
    engine.notes().forEach(answer::error);
    try (Truce truce = open(engine, owner())) {
      return dispatch(new Catalog(truce, tree, call.tokens()));
    }
  }

  private String owner() {
    return call.value("owner", System.getProperty("user.name", "somebody"));
  }

  private int dispatch(Catalog catalog) throws IOException, InterruptedException {
    try {
      return switch (call.verb()) {
        case "add" -> add(catalog, "index_add", call.has("replace"));
        case "rebuild" -> rebuild(catalog);
        case "backfill" -> backfill(catalog);
        case "verify" -> verify(catalog);
        case "ls" -> ls(catalog);
        case "show" -> show(catalog);
        case "rm" -> remove(catalog);
        case "import" -> read(catalog);
        case "export" -> write(catalog);
        default -> throw new IllegalArgumentException("no verb of index: " + call.verb());
      };
    } catch (Refused refused) {
      return refused(String.valueOf(refused.getMessage()));
    } catch (TruceException unreadable) {
      throw unreadable.getClass() == TruceException.class
          ? new EngineException(
              EngineException.Kind.DAMAGED, String.valueOf(unreadable.getMessage()), unreadable)
          : unreadable;
    }
  }

  private int refused(String message) {
    if (answer.json()) {
      answer.print(
          Answer.object("error")
              .put("kind", "conflict")
              .put("status", MOVED_ON)
              .put("message", message)
              .putNull("usage"));
    } else {
      answer.error(message);
    }
    return MOVED_ON;
  }

  // ---- from files

  private int add(Catalog catalog, String schema, boolean replace)
      throws IOException, InterruptedException {
    return answer(schema, add(tree.find(call.somePaths()), replace), List.of(), catalog);
  }

  private int rebuild(Catalog catalog) throws IOException, InterruptedException {
    List<Path> paths = call.somePaths();
    Added added = add(tree.find(paths), true);
    List<String> stale =
        catalog.all("").artifacts().stream()
            .filter(artifact -> isBelow(artifact, paths) && !stands(artifact))
            .map(Artifact::key)
            .toList();
    List<String> gone = catalog.remove(stale, artifact -> !stands(artifact)).keys();
    return answer("index_rebuild", added, gone, catalog);
  }

  private boolean isBelow(Artifact artifact, List<Path> paths) {
    String path = artifact.path();
    return path != null && paths.stream().anyMatch(tree.file(path)::startsWith);
  }

  /// Whether its file is there and says that it is this artifact, or a newer version of it.
  private boolean stands(Artifact artifact) {
    String path = artifact.path();
    try {
      return path != null
          && Files.exists(tree.file(path))
          && isOrSupersedes(tree.said(path), artifact);
    } catch (IOException | IllegalArgumentException unreadable) {
      return true; // what cannot be looked at is no reason to forget it
    }
  }

  private static boolean isOrSupersedes(Artifact said, Artifact artifact) {
    return said.key().equals(artifact.key())
        || (said.id().equals(artifact.id())
            && Version.of(said.version()).compareTo(Version.of(artifact.version())) > 0);
  }

  /// What an `add` did.
  private record Added(Found found, Add.Result result, long millis) {
    Map<String, String> unread() {
      Map<String, String> unread = new TreeMap<>(found.unread());
      unread.putAll(result.unread());
      return unread;
    }
  }

  private Added add(Found found, boolean replace) throws IOException, InterruptedException {
    long began = System.nanoTime();
    List<String> files = List.copyOf(found.files());
    Add.Plan plan =
        new Add.Plan(
            tree.root(),
            tree.framework(),
            owner(),
            call.tokens(),
            files,
            replace,
            writers(),
            PATIENCE);
    Progress progress = Progress.of(err, answer.json(), "indexing", files.size());
    try (Add add = new Add(plan, progress, err)) {
      Add.Result result = add.run();
      return new Added(found, result, (System.nanoTime() - began) / 1_000_000);
    }
  }

  private int answer(String schema, Added added, List<String> removed, Catalog catalog) {
    Moment now = catalog.all("");
    Add.Result result = added.result();
    Map<String, String> unread = added.unread();
    if (answer.json()) {
      ObjectNode object =
          Answer.object(schema)
              .put("files", added.found().files().size())
              .put("written", result.written())
              .put("same", result.same());
      put(object, "removed", removed);
      put(object, "refused", result.refused());
      put(object, "invalid", result.invalid());
      put(object, "unread", unread);
      object.put("writers_ended", result.ended()).put("entries", now.artifacts().size());
      answer.print(object.put("revision", now.revision()).put("wall_ms", added.millis()));
    } else {
      answer.print("removed", removed);
      answer.print("refused", result.refused());
      answer.print("invalid", result.invalid());
      answer.print("unread ", unread);
      answer.print(said(added, removed.size(), now));
    }
    return status(added);
  }

  private static int status(Added added) {
    if (!added.result().invalid().isEmpty()) {
      return INVALID;
    }
    return !added.unread().isEmpty() ? UNREAD : added.result().refused().isEmpty() ? 0 : MOVED_ON;
  }

  private static String said(Added added, int removed, Moment now) {
    Add.Result result = added.result();
    return added.found().files().size()
        + " files: "
        + result.written()
        + " written, "
        + result.same()
        + " as they were"
        + (removed == 0 ? "" : ", " + removed + " entries removed")
        + (result.ended() == 0
            ? ""
            : "; " + result.ended() + " writers ended before their work did, others did it")
        + "; the index has "
        + now.artifacts().size()
        + " entries, revision "
        + now.revision();
  }

  private int writers() {
    return Integer.parseInt(call.value("writers", Integer.toString(USUAL_WRITERS)));
  }

  private int backfill(Catalog catalog) throws IOException, InterruptedException {
    Found found = tree.find(call.somePaths());
    boolean dry = call.has("dry-run");
    List<String> made = new ArrayList<>();
    for (String path : found.files()) {
      if (!Files.exists(tree.file(path + Tree.SIDECAR))) {
        if (dry || makeSidecar(path)) {
          made.add(path + Tree.SIDECAR);
        }
      }
    }
    if (!dry) {
      answer.error(made.size() + " sidecars made");
      return answer("index_backfill", add(found, false), List.of(), catalog);
    }
    if (answer.json()) {
      ObjectNode object = Answer.object("index_backfill").put("dry_run", true);
      put(object, "sidecars", made);
      answer.print(object.put("files", found.files().size()));
    } else {
      answer.print("would make", made);
      answer.print(
          made.size() + " sidecars for " + found.files().size() + " files; nothing was written");
    }
    return 0;
  }

  /// None for a file that cannot be read or has no id, which is told by whoever reads it next.
  private boolean makeSidecar(String path) throws IOException {
    Artifact artifact;
    try {
      artifact = tree.read(path).artifact();
    } catch (IOException | IllegalArgumentException unreadable) {
      return false;
    }
    tree.make(artifact);
    return true;
  }

  private int verify(Catalog catalog) throws IOException, InterruptedException {
    Moment now = catalog.all("");
    Found found = tree.find(call.paths());
    Progress progress = Progress.of(err, answer.json(), "verifying", now.artifacts().size());
    Check check = Check.of(now.artifacts(), tree, found.files(), progress);
    progress.clear();
    check.unread().putAll(found.unread());
    if (answer.json()) {
      ObjectNode object =
          Answer.object("index_verify")
              .put("clean", check.isClean())
              .put("entries", now.artifacts().size())
              .put("checked", check.checked());
      put(object, "missing", check.missing());
      put(object, "changed", check.changed());
      put(object, "extra", check.extra());
      put(object, "unread", check.unread());
      put(object, "superseded", check.superseded());
      answer.print(object.put("revision", now.revision()));
    } else {
      answer.print("missing", check.missing());
      answer.print("changed", check.changed());
      answer.print("extra  ", check.extra());
      answer.print("unread ", check.unread());
      answer.print("superseded", check.superseded());
      answer.print(said(check, now));
    }
    return check.isClean() ? 0 : DIFFERS;
  }

  private static String said(Check check, Moment now) {
    int differ =
        check.missing().size()
            + check.changed().size()
            + check.extra().size()
            + check.unread().size();
    int superseded = check.superseded().size();
    String clean = (superseded == 0 ? "all" : "the others") + " as the index says";
    return now.artifacts().size()
        + " entries, "
        + check.checked()
        + " with a file: "
        + (superseded == 0 ? "" : superseded + " superseded, ")
        + (check.isClean() ? clean : differ + " differ")
        + ", revision "
        + now.revision();
  }

  // ---- entries

  private int ls(Catalog catalog) {
    Moment now = catalog.all(call.only("PREFIX", ""));
    if (answer.json()) {
      print("index", now);
    } else {
      for (Artifact artifact : now.artifacts()) {
        answer.print(
            artifact.id()
                + " "
                + artifact.version()
                + " "
                + artifact.status().word()
                + " "
                + artifact.kind());
      }
    }
    return 0;
  }

  private int show(Catalog catalog) {
    Moment found = found(catalog, call.only("ID[/VERSION]"));
    if (found.artifacts().isEmpty()) {
      return absent();
    }
    if (answer.json()) {
      print("index", found);
    } else {
      for (Artifact artifact : found.artifacts()) {
        Json.tree(artifact)
            .propertyStream()
            .forEach(field -> answer.print(field.getKey() + ": " + text(field.getValue())));
      }
    }
    return 0;
  }

  private static String text(JsonNode value) {
    return value.isString() ? value.asString() : value.toString();
  }

  /// One version, or the highest one of an id.
  private static Moment found(Catalog catalog, String name) {
    int stroke = name.indexOf('/');
    Moment versions = catalog.versions(stroke < 0 ? name : name.substring(0, stroke));
    return new Moment(
        versions.artifacts().stream()
            .filter(artifact -> stroke < 0 || artifact.key().equals(name))
            .limit(1)
            .toList(),
        versions.revision());
  }

  private int absent() {
    answer.error("no such entry: " + call.operands().getFirst());
    return DIFFERS;
  }

  private int remove(Catalog catalog) {
    String name = call.only("ID[/VERSION]");
    List<String> keys =
        name.indexOf('/') >= 0
            ? List.of(name)
            : catalog.versions(name).artifacts().stream().map(Artifact::key).toList();
    Removed removed = catalog.remove(keys, _ -> true);
    if (removed.keys().isEmpty()) {
      return absent();
    }
    if (answer.json()) {
      ObjectNode object = Answer.object("index_rm");
      put(object, "removed", removed.keys());
      answer.print(object.put("revision", removed.revision()));
    } else {
      answer.print("removed", removed.keys());
    }
    return 0;
  }

  private void print(String schema, Moment moment) {
    ObjectNode object = Answer.object(schema).put("revision", moment.revision());
    ArrayNode artifacts = object.putArray("artifacts");
    moment.artifacts().forEach(artifact -> artifacts.add(Json.tree(artifact)));
    answer.print(object);
  }

  private static void put(ObjectNode object, String name, Iterable<String> texts) {
    ArrayNode array = object.putArray(name);
    texts.forEach(array::add);
  }

  private static void put(ObjectNode object, String name, Map<String, String> texts) {
    ObjectNode inner = object.putObject(name);
    texts.forEach(inner::put);
  }

  // ---- as one document

  private int read(Catalog catalog) {
    String from = call.only("FILE or -");
    Put put = catalog.putAll(Format.read(content(from)), call.has("replace"));
    if (answer.json()) {
      answer.print(
          Answer.object("index_import")
              .put("written", put.written())
              .put("same", put.same())
              .put("revision", put.revision()));
    } else {
      answer.print(
          put.written()
              + " entries written, "
              + put.same()
              + " as they were, revision "
              + put.revision());
    }
    return 0;
  }

  private int write(Catalog catalog) throws IOException {
    String to = call.only("FILE or -", "-");
    byte[] text = Format.write(catalog.all("").artifacts());
    if (to.equals("-")) {
      out.write(text);
      return 0;
    }
    Path file = call.folder().resolve(to);
    Path scratch = file.resolveSibling(file.getFileName() + "." + ProcessHandle.current().pid());
    try {
      if (!Files.isDirectory(file.resolveSibling(""))) {
        throw new NotDirectoryException(to);
      }
      Files.write(scratch, text);
      Files.move(
          scratch, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException unwritable) {
      Files.deleteIfExists(scratch);
      throw new UncheckedIOException(to + " cannot be written", unwritable);
    }
    return 0;
  }

  private byte[] content(String from) {
    try {
      return from.equals("-")
          ? System.in.readAllBytes()
          : Files.readAllBytes(call.folder().resolve(from));
    } catch (IOException unreadable) {
      throw new UncheckedIOException(from + " cannot be read", unreadable);
    }
  }
}
