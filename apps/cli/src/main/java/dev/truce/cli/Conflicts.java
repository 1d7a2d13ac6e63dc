package dev.truce.cli;

import dev.truce.Truce;
import dev.truce.store.Conflict;
import dev.truce.store.Parked;
import dev.truce.store.Resolution;
import dev.truce.store.Resolver;
import dev.truce.store.Store;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// `truce store conflict ls`, `show` and `resolve`: commits that were put aside for a person.
final class Conflicts {
  private static final List<String> TITLES = List.of("ID", "STORE", "KEY", "PARKED", "BY");
  private static final List<String> ALL_TITLES =
      List.of("ID", "STORE", "KEY", "PARKED", "BY", "DECISION");
  private static final List<String> SIDES = List.of("ours", "theirs", "base");

  /// It says how to commit, and nothing of what.
  private static final String ANY_STORE = "-";

  private Conflicts() {}

  // ---- ls

  static int list(Options options, Console console) {
    options.noOperands();
    boolean all = options.has("all");
    List<Parked<byte[]>> shown = new ArrayList<>();
    try (Truce truce = Look.at(options, console)) {
      for (Parked<byte[]> parked : truce.parked()) {
        if (all || parked.decision().isEmpty()) {
          shown.add(parked);
        }
      }
    }
    if (options.has("json")) {
      List<Json> conflicts = new ArrayList<>();
      shown.forEach(parked -> conflicts.add(json(Json.object(), parked)));
      console.print(
          Json.object().put("schema", "truce.conflicts/1").put("conflicts", conflicts).toString());
    } else {
      table(shown, all, Instant.now()).forEach(console::print);
    }
    return 0;
  }

  private static List<String> table(List<Parked<byte[]>> shown, boolean all, Instant now) {
    List<List<String>> rows = new ArrayList<>();
    for (Parked<byte[]> parked : shown) {
      List<Conflict<byte[]>> conflicts =
          parked.conflicts().isEmpty() ? parked.others() : parked.conflicts();
      String more = conflicts.size() > 1 ? " +" + (conflicts.size() - 1) : "";
      Conflict<byte[]> first = conflicts.isEmpty() ? null : conflicts.getFirst();
      List<String> row = new ArrayList<>();
      row.add(parked.id());
      row.add(first == null ? Sides.NOTHING : Text.shown(first.store()));
      row.add(first == null ? Sides.NOTHING : Text.shown(first.key()) + more);
      row.add(Sides.age(parked.at(), now));
      row.add(Text.who(parked.by()));
      if (all) {
        row.add(parked.decision().map(decision -> decision.how()).orElse(Sides.NOTHING));
      }
      rows.add(row);
    }
    List<String> titles = all ? ALL_TITLES : TITLES;
    return Table.of(titles, rows, titles.size());
  }

  // ---- show

  static int show(Options options, Console console) {
    String id = id(options);
    Parked<byte[]> parked;
    try (Truce truce = Look.at(options, console)) {
      parked = find(truce.parked(), id);
    }
    if (options.has("json")) {
      console.print(json(Json.object().put("schema", "truce.parked/1"), parked).toString());
    } else {
      lines(parked, Instant.now()).forEach(console::print);
    }
    return 0;
  }

  private static List<String> lines(Parked<byte[]> parked, Instant now) {
    List<String> lines = new ArrayList<>();
    lines.add(
        parked.id()
            + " of "
            + Text.who(parked.by())
            + ", put aside "
            + Sides.age(parked.at(), now)
            + decision(parked, now));
    for (Conflict<byte[]> conflict : parked.conflicts()) {
      lines.add(place(conflict));
      lines.addAll(
          Table.of(
              base(conflict),
              List.of(
                  ours(conflict),
                  Sides.row(
                      "theirs",
                      conflict.theirRevision(),
                      Sides.who(conflict.theirWriter(), conflict.theirsAt(), now),
                      conflict.theirs())),
              4));
    }
    for (Conflict<byte[]> other : parked.others()) {
      lines.add(place(other) + ", which nobody else has changed");
      lines.addAll(Table.of(base(other), List.of(ours(other)), 4));
    }
    return lines;
  }

  private static String place(Conflict<byte[]> of) {
    return Text.shown(of.store()) + ": " + Text.shown(of.key());
  }

  private static List<String> base(Conflict<byte[]> of) {
    return Sides.row("base", of.baseRevision(), Sides.NOTHING, of.base());
  }

  private static List<String> ours(Conflict<byte[]> of) {
    return Sides.row("ours", 0, Text.who(of.ourWriter()), of.ours());
  }

  private static String decision(Parked<byte[]> parked, Instant now) {
    return parked
        .decision()
        .map(made ->
            "; decided by "
                + Text.who(made.by())
                + " "
                + Sides.age(made.at(), now)
                + ": "
                + made.how())
        .orElse("");
  }

  private static Json json(Json begun, Parked<byte[]> parked) {
    Json json =
        Holders.owner(begun.put("id", parked.id()).put("at", parked.at().toString()), parked.by())
            .put("clashes", json(parked.conflicts()))
            .put("others", json(parked.others()));
    return parked.decision().isPresent()
        ? json.put("decision", json(parked.decision().get()))
        : json.putNull("decision");
  }

  private static Json json(Parked.Decision decision) {
    return Holders.owner(decision.by())
        .put("at", decision.at().toString())
        .put("how", decision.how());
  }

  private static List<Json> json(List<Conflict<byte[]>> conflicts) {
    List<Json> json = new ArrayList<>();
    for (Conflict<byte[]> conflict : conflicts) {
      json.add(json(conflict));
    }
    return json;
  }

  private static Json json(Conflict<byte[]> conflict) {
    Json theirs = Holders.owner(conflict.theirWriter()).put("revision", conflict.theirRevision());
    return Json.object()
        .put("store", conflict.store())
        .put("key", conflict.key())
        .put(
            "base",
            Sides.value(Json.object().put("revision", conflict.baseRevision()), conflict.base()))
        .put("ours", Sides.value(Holders.owner(conflict.ourWriter()), conflict.ours()))
        .put("theirs", Sides.value(Sides.at(theirs, conflict.theirsAt()), conflict.theirs()));
  }

  // ---- resolve

  static int resolve(Options options, Console console) {
    String id = id(options);
    String take = options.value("take");
    String value = options.value("value");
    if ((take == null) == (value == null)) {
      throw Failure.usage(options.verb(), "either --take ours, theirs or base, or --value");
    }
    if (take != null && !SIDES.contains(take)) {
      throw Failure.usage(options.verb(), "--take is ours, theirs or base, not: " + take);
    }
    StoreCall call = StoreCall.rooted(options, console);
    byte[] bytes = value == null ? null : call.bytes(value, "value", Store.MAX_VALUE);
    return call.commitTo(truce -> {
      Parked<byte[]> parked = find(truce.parked(), id);
      Set<List<String>> about = new HashSet<>();
      // Asked only if nothing has landed under --id: a repeat is answered, however it looks by now.
      Resolver<byte[]> how =
          conflict -> {
            about.add(List.of(conflict.store(), conflict.key()));
            if (bytes != null && about.size() > 1) {
              throw Failure.usage(
                  options.verb(), "it is about several keys, and --value is for one");
            }
            return decided(conflict, take, bytes);
          };
      return truce.resolve(parked, call.writing(truce, ANY_STORE), how);
    });
  }

  private static Resolution<byte[]> decided(
      Conflict<byte[]> conflict, @Nullable String take, byte @Nullable [] value) {
    if (value != null) {
      return Resolution.use(value);
    }
    if ("theirs".equals(take)) {
      return Resolution.keepTheirs();
    }
    Optional<byte[]> taken = "ours".equals(take) ? conflict.ours() : conflict.base();
    return taken.isPresent() ? Resolution.use(taken.get()) : Resolution.remove();
  }

  private static String id(Options options) {
    List<String> operands = options.operands();
    if (operands.size() != 1) {
      throw Failure.usage(options.verb(), operands.isEmpty() ? "which ID?" : "one ID at a time");
    }
    return operands.getFirst();
  }

  private static Parked<byte[]> find(List<Parked<byte[]>> all, String id) {
    for (Parked<byte[]> parked : all) {
      if (parked.id().equals(id)) {
        return parked;
      }
    }
    throw Failure.usage(null, "no conflict has the id " + id + ": see truce store conflict ls");
  }
}
