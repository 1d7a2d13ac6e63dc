package dev.truce.cli;

import dev.truce.Truce;
import dev.truce.store.Entry;
import dev.truce.store.Snapshot;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/// `truce store ls`: the keys of a store; without one, the [stores][StoreStats].
final class StoreLs {
  private static final List<String> TITLES = List.of("KEY", "REVISION", "BYTES");
  private static final int FIRST_NUMBER = 1;

  private StoreLs() {}

  /// A key, without its value.
  private record Row(String key, long revision, int bytes) {}

  static int run(Options options, Console console) {
    if (options.operands().isEmpty()) {
      return StoreStats.list(options, console);
    }
    StoreCall call = StoreCall.of(options, console, 1, "STORE", "PREFIX");
    String prefix = call.operand(1);
    long most = options.number("count", 1, Integer.MAX_VALUE, Integer.MAX_VALUE);
    List<Row> rows = new ArrayList<>();
    long revision;
    boolean more;
    try (Truce truce = call.open();
        Snapshot<byte[]> snapshot = call.snapshot(truce)) {
      revision = snapshot.revision();
      Iterator<Entry<byte[]>> entries = snapshot.prefix(prefix == null ? "" : prefix).iterator();
      while (rows.size() < most && entries.hasNext()) {
        Entry<byte[]> entry = entries.next();
        rows.add(new Row(entry.key(), entry.revision(), entry.value().length));
      }
      more = entries.hasNext();
    }
    if (call.json()) {
      console.print(json(call.name(), revision, rows, more));
    } else if (options.has("keys")) {
      rows.forEach(row -> console.print(Text.shown(row.key)));
    } else {
      table(rows).forEach(console::print);
    }
    return 0;
  }

  private static List<String> table(List<Row> rows) {
    List<List<String>> shown = new ArrayList<>();
    for (Row row : rows) {
      shown.add(
          List.of(Text.shown(row.key), Long.toString(row.revision), Integer.toString(row.bytes)));
    }
    return Table.of(TITLES, shown, FIRST_NUMBER);
  }

  private static String json(String store, long revision, List<Row> rows, boolean more) {
    List<Json> keys = new ArrayList<>();
    for (Row row : rows) {
      keys.add(
          Json.object().put("key", row.key).put("revision", row.revision).put("bytes", row.bytes));
    }
    return Json.object()
        .put("schema", "truce.keys/1")
        .put("store", store)
        .put("revision", revision)
        .put("keys", keys)
        .put("more", more)
        .toString();
  }
}
