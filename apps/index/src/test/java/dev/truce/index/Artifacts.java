package dev.truce.index;

import dev.truce.index.Artifact.Status;
import java.time.Instant;
import java.util.List;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// Entries to try things with.
final class Artifacts {
  static final Instant THEN = Instant.parse("2025-08-23T17:00:00Z");

  private Artifacts() {}

  static Artifact of(String id, String version, @Nullable String sha256) {
    return new Artifact(
        id,
        version,
        Status.DRAFT,
        "fwk",
        "plan",
        List.of(),
        sha256,
        THEN,
        THEN,
        null,
        null,
        new TreeMap<>());
  }

  static Artifact withPath(Artifact artifact, String path) {
    return new Artifact(
        artifact.id(),
        artifact.version(),
        artifact.status(),
        artifact.framework(),
        artifact.kind(),
        artifact.labels(),
        artifact.checksumSha256(),
        artifact.createdAt(),
        artifact.updatedAt(),
        path,
        1L,
        artifact.more());
  }

  /// As many of a digit as a sum has.
  static String sum(char digit) {
    return String.valueOf(digit).repeat(64);
  }
}
