package dev.truce.cli;

import dev.truce.Truce;
import dev.truce.store.Entry;
import dev.truce.store.Snapshot;
import java.util.Arrays;
import java.util.Iterator;
import org.jspecify.annotations.Nullable;

/// `truce store diff`: what is different between two moments.
final class StoreLog {
  private static final int DIFFERS = 1;

  private StoreLog() {}

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
