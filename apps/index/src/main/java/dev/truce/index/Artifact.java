package dev.truce.index;

import com.fasterxml.jackson.annotation.JsonAnyGetter;
import com.fasterxml.jackson.annotation.JsonAnySetter;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/// What the index knows of one version of one artifact.
///
/// @param id letters, digits, `_`, `.` and `-`
/// @param version as [Version] reads it
/// @param checksumSha256 of its content, in lower case, where that is known
/// @param path of its file, where it has one: below the folder of the root, or absolute
/// @param size of its file
/// @param more what else was said of it, kept as it is
@JsonInclude(JsonInclude.Include.NON_NULL)
record Artifact(
    String id,
    String version,
    Status status,
    String framework,
    String kind,
    @JsonInclude(JsonInclude.Include.NON_EMPTY) List<String> labels,
    @Nullable String checksumSha256,
    Instant createdAt,
    Instant updatedAt,
    @Nullable String path,
    @Nullable Long size,
    @JsonAnySetter @JsonAnyGetter Map<String, JsonNode> more) {

  /// How far it has come.
  enum Status {
    @JsonProperty("draft")
    DRAFT,
    @JsonProperty("review")
    REVIEW,
    @JsonProperty("approved")
    APPROVED,
    @JsonProperty("deprecated")
    DEPRECATED;

    /// As it is written.
    String word() {
      return switch (this) {
        case DRAFT -> "draft";
        case REVIEW -> "review";
        case APPROVED -> "approved";
        case DEPRECATED -> "deprecated";
      };
    }
  }

  Artifact {
    labels = labels == null ? List.of() : List.copyOf(labels);
    more = new TreeMap<>(more == null ? Map.of() : more);
    Schema.require(Schema.ID, "id", id);
    Schema.require(Schema.VERSION, "version", version);
  }

  /// Where it stands in the store. Neither part can hold the stroke, so no two have the same.
  String key() {
    return id + "/" + version;
  }

  /// The same, made and changed at other times.
  Artifact at(Instant created, Instant updated) {
    return new Artifact(
        id,
        version,
        status,
        framework,
        kind,
        labels,
        checksumSha256,
        created,
        updated,
        path,
        size,
        more);
  }

  /// Whether it says the same of the same content, whenever that was said.
  boolean saysTheSameAs(Artifact other) {
    return at(Instant.EPOCH, Instant.EPOCH).equals(other.at(Instant.EPOCH, Instant.EPOCH));
  }
}
