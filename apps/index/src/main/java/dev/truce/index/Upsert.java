package dev.truce.index;

import java.time.Instant;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// What becomes of an entry that is put where one may stand already. Decides; touches nothing.
sealed interface Upsert {
  /// The index says that already.
  record Same() implements Upsert {}

  /// It is to be written, so.
  record Write(Artifact artifact) implements Upsert {}

  /// A version never changes its content without a word.
  record Refuse(String why) implements Upsert {}

  /// The same again is nothing new; the same content may be said more of; other content under the
  /// same version is refused.
  ///
  /// @param replace whether a version may change its content
  /// @param stands whether the file is there of which `there` tells
  static Upsert of(
      @Nullable Artifact there, Artifact mine, boolean replace, boolean stands, Instant now) {
    if (there == null) {
      return new Write(mine);
    }
    if (there.saysTheSameAs(mine)) {
      return new Same();
    }
    if (stands && mine.path() != null && !mine.path().equals(there.path())) {
      return refuse(mine, "stands in the index for " + there.path());
    }
    if (!replace && hasOtherContent(there, mine)) {
      return refuse(
          mine, "is in the index with other content: give it a new version, or --replace");
    }
    return new Write(mine.at(there.createdAt(), now));
  }

  /// The same of a file that was edited since its sidecar was written. If the sidecar names a
  /// version above all those in the index, that is a new one; and content that the index has under
  /// this version was taken before.
  ///
  /// @param highest of this id in the index
  static Upsert ofEdited(
      @Nullable Artifact there,
      @Nullable Version highest,
      Artifact mine,
      boolean stands,
      Instant now) {
    if (highest == null) {
      return refuse(
          mine, "has other content than its sidecar says: take it as it is with add --replace");
    }
    boolean known = there != null && Objects.equals(there.checksumSha256(), mine.checksumSha256());
    if (!known && Version.of(mine.version()).compareTo(highest) <= 0) {
      return refuse(
          mine,
          "was edited since its sidecar was written: put a version above "
              + highest
              + " into "
              + mine.path()
              + Tree.SIDECAR
              + ", or take it as it is with add --replace");
    }
    return of(there, mine, false, stands, now);
  }

  private static Refuse refuse(Artifact mine, String why) {
    String whose = mine.path() == null ? "" : mine.path() + ": ";
    return new Refuse(whose + mine.id() + " " + mine.version() + " " + why);
  }

  private static boolean hasOtherContent(Artifact there, Artifact mine) {
    return there.checksumSha256() != null
        && !Objects.equals(there.checksumSha256(), mine.checksumSha256());
  }
}
