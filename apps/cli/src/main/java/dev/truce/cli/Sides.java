package dev.truce.cli;

import dev.truce.Owner;
import dev.truce.store.ConflictException;
import dev.truce.store.ConflictException.Clash;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// A refused commit, from both sides: what is there, whose it is, and what would have been written.
final class Sides {
  /// What stands where nothing is, in tables.
  static final String NOTHING = "-";

  /// How many keys are told to people.
  private static final int TOLD = 8;

  private Sides() {}

  /// Says it, to people beside the answer, to programs as the answer.
  ///
  /// @param store the one that the call names, if it names one
  static void say(
      ConflictException refused, @Nullable String store, boolean json, Console console) {
    if (json) {
      console.print(json(refused, store));
    } else {
      lines(refused, Instant.now()).forEach(console::error);
    }
  }

  static List<String> lines(ConflictException refused, Instant now) {
    List<Clash> clashes = refused.clashes();
    if (clashes.isEmpty()) {
      return List.of("truce: " + Text.shown(String.valueOf(refused.getMessage())));
    }
    List<String> lines = new ArrayList<>();
    for (Clash clash : clashes.subList(0, Math.min(clashes.size(), TOLD))) {
      String end = lines.isEmpty() ? "; nothing was written" : "";
      lines.add("truce: " + Text.shown(clash.store()) + ": " + how(clash) + end);
      if (!clash.key().isEmpty()) {
        lines.addAll(Table.of(theirs(clash, now), List.of(ours(clash)), 4));
      }
    }
    if (clashes.size() > TOLD) {
      lines.add("truce: and " + (clashes.size() - TOLD) + " more");
    }
    return lines;
  }

  /// `dark-mode is at revision 43, not at 41`.
  private static String how(Clash clash) {
    if (clash.key().isEmpty()) {
      return "it was made, renamed or dropped meanwhile";
    }
    String key = Text.shown(clash.key());
    boolean there = clash.theirRevision() > 0;
    if (clash.kind() != ConflictException.Kind.STALE) {
      return key + (there ? " was changed since " : " was removed since ") + clash.ourBase();
    }
    return key
        + (there ? " is at revision " + clash.theirRevision() : " is not there")
        + (clash.ourBase() > 0 ? ", not at " + clash.ourBase() : ", and should not be there");
  }

  private static List<String> theirs(Clash clash, Instant now) {
    String who = who(clash.theirs(), clash.theirsAt(), now);
    return row("theirs", clash.theirRevision(), who, clash.theirValue());
  }

  private static List<String> ours(Clash clash) {
    return row("ours", clash.ourBase(), Text.who(clash.ours()), clash.ourValue());
  }

  /// One side of a key.
  ///
  /// @param revision 0 where it has none
  static List<String> row(String side, long revision, String who, Optional<byte[]> value) {
    return List.of(
        "  " + side,
        revision == 0 ? NOTHING : Long.toString(revision),
        who,
        value.map(Values::brief).orElse(NOTHING));
  }

  /// Who it was and how long ago, where that is known.
  static String who(Owner who, Instant at, Instant now) {
    return isKnown(at) ? Text.who(who) + ", " + age(at, now) : NOTHING;
  }

  static String age(Instant at, Instant now) {
    return Text.span(Duration.between(at, now)) + " ago";
  }

  private static boolean isKnown(Instant at) {
    return !at.equals(Instant.EPOCH);
  }

  static String json(ConflictException refused, @Nullable String store) {
    List<Json> clashes = new ArrayList<>();
    for (Clash clash : refused.clashes()) {
      clashes.add(json(clash));
    }
    Clash first = refused.clashes().isEmpty() ? null : refused.clashes().getFirst();
    return Json.object()
        .put("schema", "truce.conflict/1")
        .put("kind", refused.kind().name().toLowerCase(Locale.ROOT))
        .put("message", String.valueOf(refused.getMessage()))
        .put("store", store)
        .put("parked", refused.parked().orElse(null))
        .put("rounds", refused.rounds())
        .put("clashes", clashes)
        .put("hint", first == null || first.key().isEmpty() ? null : hint(first))
        .toString();
  }

  private static String hint(Clash clash) {
    return "truce store get " + Text.word(clash.store()) + " " + Text.word(clash.key());
  }

  private static Json json(Clash clash) {
    Json theirs = side(clash.theirs(), clash.theirRevision(), clash.theirValue());
    return Json.object()
        .put("store", clash.store())
        .put("key", clash.key())
        .put("kind", clash.kind().name().toLowerCase(Locale.ROOT))
        .put("theirs", at(theirs, clash.theirsAt()))
        .put("ours", side(clash.ours(), clash.ourBase(), clash.ourValue()));
  }

  private static Json side(Owner who, long revision, Optional<byte[]> value) {
    return value(Holders.owner(who).put("revision", revision), value);
  }

  /// When it was, where that is known.
  static Json at(Json begun, Instant at) {
    return begun.put("at", isKnown(at) ? at.toString() : null);
  }

  /// The value, or that there is none.
  static Json value(Json begun, Optional<byte[]> value) {
    return value.isPresent() ? Values.put(begun, value.get()) : begun.putNull("value");
  }
}
