package dev.truce.cli;

import dev.truce.store.Store;

/// `truce store put` and `rm`: one key in a commit of its own.
final class StorePut {
  private StorePut() {}

  static int put(Options options, Console console) {
    StoreCall call = StoreCall.of(options, console, 3, "STORE", "KEY", "VALUE");
    String key = options.operands().get(1);
    long required = call.ifRevision();
    // Before the root is opened: whoever feeds stdin may take all day.
    byte[] value = call.bytes(options.operands().get(2), "value", Store.MAX_VALUE);
    return call.commit(store ->
        required < 0
            ? store.put(key, value)
            : store.commit(draft -> draft.requireRevision(key, required).put(key, value)));
  }

  /// Of a key that is not there nothing is written.
  static int remove(Options options, Console console) {
    StoreCall call = StoreCall.of(options, console, 2, "STORE", "KEY");
    String key = options.operands().get(1);
    long required = call.ifRevision();
    return call.commit(store ->
        store.commit(draft -> {
          if (required >= 0) {
            draft.requireRevision(key, required);
          }
          if (draft.entry(key).isPresent()) {
            draft.remove(key);
          }
        }));
  }
}
