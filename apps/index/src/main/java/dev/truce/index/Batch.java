package dev.truce.index;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Files that a writer is to put into the index by one commit.
///
/// @param files as [Tree#path] has them
/// @param replace whether a version may change its content
record Batch(List<String> files, boolean replace) {

  /// What a writer says of it when the commit is safe, or that there will be none.
  ///
  /// @param same how many of them the index said so before
  /// @param refused why, for each that was
  /// @param invalid what is wrong with what their sidecars say, by file
  /// @param unread why, by file
  /// @param failed of which kind, where nothing of it is in the index and nothing more will be
  record Done(
      int written,
      int same,
      List<String> refused,
      Map<String, String> invalid,
      Map<String, String> unread,
      @Nullable String failed,
      @Nullable String message) {

    /// The kind that is none of an engine's: a token that it rests on is not current.
    static final String FENCED = "FENCED";

    static Done failed(String kind, String message) {
      return new Done(0, 0, List.of(), Map.of(), Map.of(), kind, message);
    }
  }
}
