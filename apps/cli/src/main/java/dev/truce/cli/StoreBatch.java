package dev.truce.cli;

import java.io.ByteArrayInputStream;
import java.util.ArrayList;
import java.util.List;

/// `truce store commit`: lines of JSON, all of them in one commit or none.
final class StoreBatch {
  /// As much as one commit holds.
  private static final int MOST = 32 << 20;

  private StoreBatch() {}

  static int run(Options options, Console console) {
    StoreCall call = StoreCall.of(options, console, 1, "STORE", "FILE");
    List<Item> items = items(call.content(call.operand(1), MOST));
    return call.commit(store -> store.commit(draft -> items.forEach(item -> item.writeTo(draft))));
  }

  /// All of them are read before anything is written.
  private static List<Item> items(byte[] content) {
    Lines lines = new Lines("the batch", new ByteArrayInputStream(content));
    List<Item> items = new ArrayList<>();
    for (byte[] line = lines.next(); line != null; line = lines.next()) {
      if (line.length > 0) {
        try {
          items.add(JsonLines.change(line));
        } catch (IllegalArgumentException malformed) {
          throw lines.malformed(malformed.getMessage() + "; nothing was written");
        }
      }
    }
    return items;
  }
}
