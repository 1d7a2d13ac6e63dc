package dev.truce.cli;

import dev.truce.store.Draft;
import dev.truce.store.Store;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/// What a line says of a key.
///
/// @param value null where the key is to be gone
/// @param ifRevision the revision that is required, -1 for any
record Item(String key, byte @Nullable [] value, long ifRevision) {
  /// @throws IllegalArgumentException if no store takes it
  Item {
    int bytes = key.getBytes(StandardCharsets.UTF_8).length;
    if (bytes == 0 || bytes > Store.MAX_KEY) {
      throw new IllegalArgumentException(
          "has a key of " + bytes + " bytes: it has from 1 to " + Store.MAX_KEY);
    }
    if (value != null && value.length > Store.MAX_VALUE) {
      throw new IllegalArgumentException(
          "has a value of " + value.length + " bytes: at most " + Store.MAX_VALUE + " are allowed");
    }
  }

  void writeTo(Draft<byte[]> draft) {
    if (ifRevision >= 0) {
      draft.requireRevision(key, ifRevision);
    }
    if (value != null) {
      draft.put(key, value);
    } else if (draft.entry(key).isPresent()) {
      draft.remove(key);
    }
  }

  /// About what it weighs in a commit.
  long weight() {
    return 16L + key.length() + (value == null ? 0 : value.length);
  }
}
