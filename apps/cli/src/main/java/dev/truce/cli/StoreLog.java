package dev.truce.cli;

import dev.truce.Fence;
import dev.truce.Truce;
import dev.truce.store.Commit;
import dev.truce.store.Entry;
import dev.truce.store.Feed;
import dev.truce.store.Snapshot;
import dev.truce.store.Store;
import dev.truce.store.TooOldException;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// `truce store log` and `diff`: what was committed, and what is different between two moments.
final class StoreLog {
  private static final List<String> TITLES =
      List.of("REVISION", "WHEN", "WHO", "CHANGED", "FENCE", "KEYS");

  private static final int DIFFERS = 1;

  /// How many commits are had at a time: they come with all that they wrote.
  private static final int PAGE = 8;

  /// How many keys of a commit are told to people.
  private static final int TOLD = 3;

  private StoreLog() {}

  // ---- log

  /// A commit without its values.
  private record Row(Commit commit, List<Touched> keys) {}

  /// @param bytes of the value, -1 where the key was removed
  private record Touched(String key, int bytes) {}

  /// Which commits are asked for.
  ///
  /// @param after behind which revision
  private record Wanted(@Nullable String key, long after, Instant since, long most) {
    static Wanted of(Options options, StoreCall call) {
      String since = options.value("since");
      boolean revision = since != null && since.chars().allMatch(Character::isDigit);
      return new Wanted(
          call.operand(1),
          revision ? options.number("since", 0, StoreCall.REVISIONS, 0) : 0,
          revision ? Instant.MIN : Past.since(options),
          options.number("count", 1, Integer.MAX_VALUE, Integer.MAX_VALUE));
    }

    boolean has(Feed.Changes<byte[]> changes) {
      return !changes.commit().at().isBefore(since)
          && (key == null || changes.changes().stream().anyMatch(each -> each.key().equals(key)));
    }
  }

  static int log(Options options, Console console) {
    StoreCall call = StoreCall.of(options, console, 1, "STORE", "KEY");
    Wanted wanted = Wanted.of(options, call);
    Deque<Row> rows;
    try (Truce truce = call.open()) {
      rows = newest(call.store(truce), wanted, console);
    }
    if (call.json()) {
      rows.forEach(row -> console.print(json(call.name(), row)));
    } else {
      table(rows).forEach(console::print);
    }
    return 0;
  }

  /// Newest first. Of a store whose old commits were let go, those that are left, unless it was
  /// asked for more by their revision.
  private static Deque<Row> newest(Store<byte[]> store, Wanted wanted, Console console) {
    try {
      return newest(store, wanted, wanted.after);
    } catch (TooOldException letGo) {
      if (wanted.after > 0) {
        throw letGo;
      }
      console.error("truce: the commits up to revision " + letGo.floor() + " are kept no longer");
      return newest(store, wanted, letGo.floor());
    }
  }

  private static Deque<Row> newest(Store<byte[]> store, Wanted wanted, long from) {
    Deque<Row> rows = new ArrayDeque<>();
    long after = from;
    for (List<Feed.Changes<byte[]>> page = store.log(after, PAGE);
        !page.isEmpty();
        page = store.log(after, PAGE)) {
      for (Feed.Changes<byte[]> changes : page) {
        after = changes.commit().revision();
        if (wanted.has(changes)) {
          rows.addFirst(row(changes));
          if (rows.size() > wanted.most) {
            rows.removeLast();
          }
        }
      }
    }
    return rows;
  }

  private static Row row(Feed.Changes<byte[]> changes) {
    List<Touched> keys = new ArrayList<>();
    for (Feed.Change<byte[]> change : changes.changes()) {
      keys.add(new Touched(change.key(), change.value().map(value -> value.length).orElse(-1)));
    }
    return new Row(changes.commit(), keys);
  }

  private static List<String> table(Iterable<Row> rows) {
    List<List<String>> shown = new ArrayList<>();
    for (Row row : rows) {
      Commit commit = row.commit;
      shown.add(
          List.of(
              Long.toString(commit.revision()),
              Leases.at(commit.at()),
              Text.who(commit.writer()),
              Integer.toString(row.keys.size()),
              fence(commit.fence()),
              keys(row.keys)));
    }
    return Table.of(TITLES, shown, TITLES.size());
  }

  private static String fence(Optional<Fence> fence) {
    List<String> tokens = new ArrayList<>();
    if (fence.isPresent()) {
      for (Map.Entry<String, Long> token : fence.get().tokens().entrySet()) {
        tokens.add(Text.shown(token.getKey()) + "=" + token.getValue());
      }
    }
    return tokens.isEmpty() ? "-" : String.join(",", tokens);
  }

  /// `dark-mode -beta +7`: what was removed behind a minus.
  private static String keys(List<Touched> keys) {
    List<String> told = new ArrayList<>();
    for (Touched key : keys.subList(0, Math.min(keys.size(), TOLD))) {
      told.add((key.bytes < 0 ? "-" : "") + Text.shown(key.key));
    }
    if (keys.size() > TOLD) {
      told.add("+" + (keys.size() - TOLD));
    }
    return told.isEmpty() ? "-" : String.join(" ", told);
  }

  private static String json(String store, Row row) {
    List<Json> changes = new ArrayList<>();
    for (Touched key : row.keys) {
      Json change = Json.object().put("key", key.key).put("change", key.bytes < 0 ? "rm" : "put");
      changes.add(key.bytes < 0 ? change.putNull("bytes") : change.put("bytes", key.bytes));
    }
    Commit commit = row.commit;
    Json json =
        Json.object()
            .put("schema", "truce.log/1")
            .put("store", store)
            .put("revision", commit.revision())
            .put("at", commit.at().toString());
    return StoreCall.fence(Holders.owner(json, commit.writer()), commit)
        .put("id", commit.id().toString())
        .put("resolved", commit.resolved())
        .put("changes", changes)
        .toString();
  }

  // ---- diff

  static int diff(Options options, Console console) {
    StoreCall call = StoreCall.of(options, console, 2, "STORE", "A", "B");
    long from = call.revision(1);
    long to = call.operand(2) == null ? 0 : call.revision(2);
    boolean differs = false;
    try (Truce truce = call.open();
        Snapshot<byte[]> before = call.store(truce).snapshotAt(from);
        Snapshot<byte[]> after =
            to == 0 ? call.store(truce).snapshot() : call.store(truce).snapshotAt(to)) {
      Iterator<Entry<byte[]>> olds = before.all().iterator();
      Iterator<Entry<byte[]>> news = after.all().iterator();
      Entry<byte[]> old = next(olds);
      Entry<byte[]> now = next(news);
      while (old != null || now != null) {
        int order = order(old, now);
        if (order != 0 || !same(old, now)) {
          differs = true;
          console.print(line(order <= 0 ? old : null, order >= 0 ? now : null, call.json()));
        }
        old = order <= 0 ? next(olds) : old;
        now = order >= 0 ? next(news) : now;
      }
    }
    return differs ? DIFFERS : 0;
  }

  private static @Nullable Entry<byte[]> next(Iterator<Entry<byte[]>> entries) {
    return entries.hasNext() ? entries.next() : null;
  }

  /// Which of the two comes first, as stores have it.
  private static int order(@Nullable Entry<byte[]> old, @Nullable Entry<byte[]> now) {
    if (old == null || now == null) {
      return old == null ? 1 : -1;
    }
    return Text.compareUtf8(old.key(), now.key());
  }

  private static boolean same(@Nullable Entry<byte[]> old, @Nullable Entry<byte[]> now) {
    return old != null
        && now != null
        && (old.revision() == now.revision() || Arrays.equals(old.value(), now.value()));
  }

  /// `+ key`, `- key` or `~ key`.
  private static String line(
      @Nullable Entry<byte[]> old, @Nullable Entry<byte[]> now, boolean json) {
    String key = old != null ? old.key() : now != null ? now.key() : "";
    String change = old == null ? "added" : now == null ? "removed" : "changed";
    if (json) {
      Json line = Json.object().put("schema", "truce.diff/1").put("key", key).put("change", change);
      return put(put(line, "from", old), "to", now).toString();
    }
    return (old == null ? "+ " : now == null ? "- " : "~ ") + Text.shown(key);
  }

  /// The revision that it had.
  private static Json put(Json json, String name, @Nullable Entry<byte[]> entry) {
    return entry == null ? json.putNull(name) : json.put(name, entry.revision());
  }
}
