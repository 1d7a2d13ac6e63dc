package dev.truce.testkit;

import dev.truce.testkit.RecordingStorage.Call;
import java.util.Map;
import java.util.Set;

/// Something that was done and that a power cut may undo.
sealed interface Pending {
  /// The call that did it.
  Call by();

  /// Equal for equal changes.
  default long hash() {
    Call by = by();
    long hash = Sector.mix(Sector.mix(by.kind().name().hashCode(), by.file().hashCode()), by.at());
    if (this instanceof Written written) {
      for (Sector image : written.extent().images()) {
        hash = Sector.mix(hash, image.hash());
      }
    }
    return hash;
  }

  /// A part of a file has other bytes.
  ///
  /// @param mapped whether they came by a mapping, and not by a call
  record Written(Call by, int inode, Data.Extent extent, boolean mapped) implements Pending {
    int sectors() {
      return extent.images().length;
    }
  }

  /// A file is longer, by zeros.
  record Grown(Call by, int inode, long from, long to) implements Pending {}

  /// Names were given or taken, all of one call or none.
  ///
  /// @param names what each name stands for from now on, [#GONE] for nothing
  /// @param touched the files that it happened to
  record Named(Call by, Map<String, Integer> names, Set<Integer> touched) implements Pending {
    static final int GONE = 0;

    /// Whether no file system would show this one without the earlier `other`.
    boolean needs(Named other) {
      return names.keySet().stream().anyMatch(other.names::containsKey)
          || touched.stream().anyMatch(other.touched::contains);
    }
  }
}
