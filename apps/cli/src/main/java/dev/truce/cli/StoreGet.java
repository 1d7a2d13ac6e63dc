package dev.truce.cli;

import dev.truce.Truce;
import dev.truce.store.Entry;
import dev.truce.store.Snapshot;
import java.util.Optional;

/// `truce store get`: the bytes of a value, nothing added; status 1 where there is none.
final class StoreGet {
  private static final int ABSENT = 1;

  private StoreGet() {}

  static int run(Options options, Console console) {
    StoreCall call = StoreCall.of(options, console, 2, "STORE", "KEY");
    String key = options.operands().get(1);
    Optional<Entry<byte[]>> found;
    try (Truce truce = call.open();
        Snapshot<byte[]> snapshot = call.snapshot(truce)) {
      found = snapshot.entry(key);
    }
    if (call.json()) {
      console.print(json(call.name(), key, found).toString());
    } else if (found.isPresent()) {
      byte[] value = found.get().value();
      console.out().write(value, 0, value.length);
    }
    return found.isPresent() ? 0 : ABSENT;
  }

  private static Json json(String store, String key, Optional<Entry<byte[]>> found) {
    Json json =
        Json.object()
            .put("schema", "truce.entry/1")
            .put("store", store)
            .put("key", key)
            .put("present", found.isPresent());
    return found.isPresent()
        ? Values.put(json.put("revision", found.get().revision()), found.get().value())
        : json.put("revision", 0).putNull("value");
  }
}
