package dev.truce.cli;

import dev.truce.Fence;
import dev.truce.Truce;
import dev.truce.store.Codec;
import dev.truce.store.Snapshot;
import dev.truce.store.Store;
import java.util.TreeMap;

/// The index of the demo's second run: an entry a key, and beside it in another store how many
/// there are, changed by the same commit. A moment in which the two differ is one that never was.
final class DemoStore {
  private static final String ENTRIES = "entries";

  private final Store<String> files;
  private final Store<Long> counts;

  DemoStore(Truce truce) {
    this.files = truce.store("files", Codec.utf8());
    this.counts = truce.store("counts", Codec.longs());
  }

  /// Nothing of it is written unless the token is current where it lands.
  void put(Fence fence, String path, DemoIndex.Entry entry) {
    files.commit(
        fence,
        draft -> {
          if (draft.get(path).isEmpty()) {
            long before = draft.in(counts).get(ENTRIES).orElse(0L);
            draft.in(counts).put(ENTRIES, before + 1);
          }
          draft.put(path, entry.size() + " " + entry.sha256());
        });
  }

  /// All of it, at one moment.
  ///
  /// @throws DemoIndex.TornException if there was no such moment
  DemoIndex read() {
    try (Snapshot<String> now = files.snapshot()) {
      TreeMap<String, DemoIndex.Entry> entries = new TreeMap<>();
      now.all().forEach(entry -> entries.put(entry.key(), parsed(entry.value())));
      long said = now.in(counts).get(ENTRIES).orElse(0L);
      if (entries.size() != said) {
        throw new DemoIndex.TornException(
            "the store says " + said + " entries and has " + entries.size());
      }
      return new DemoIndex(entries);
    }
  }

  private static DemoIndex.Entry parsed(String text) {
    int blank = text.indexOf(' ');
    return new DemoIndex.Entry(Long.parseLong(text.substring(0, blank)), text.substring(blank + 1));
  }
}
