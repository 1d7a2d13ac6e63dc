package dev.truce.index;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/// The index as one JSON document: `{"artifacts":[...],"version":1}`, compact, with sorted names,
/// in ASCII, without a line end.
final class Format {
  private static final int VERSION = 1;

  /// More than this of what is wrong is told to nobody.
  private static final int TOLD = 10;

  private Format() {}

  /// The entries of a document.
  ///
  /// @throws IllegalArgumentException if it is none, with the entries and fields that are wrong
  static List<Artifact> read(byte[] text) {
    JsonNode tree = Json.tree(text, "the index");
    JsonNode artifacts = tree.isObject() ? tree.get("artifacts") : null;
    if (artifacts == null || !artifacts.isArray()) {
      throw new IllegalArgumentException("the index has no list of artifacts");
    }
    JsonNode version = tree.get("version");
    if (version == null || !version.isIntegralNumber() || version.asInt() != VERSION) {
      throw new IllegalArgumentException("version: the index is not of version " + VERSION);
    }
    List<Artifact> read = new ArrayList<>();
    List<String> wrong = new ArrayList<>();
    Set<String> keys = new HashSet<>();
    for (JsonNode entry : artifacts) {
      String where = "entry " + (read.size() + wrong.size() + 1);
      List<String> problems = Schema.problems(entry);
      if (!problems.isEmpty()) {
        wrong.add(where + ": " + String.join(", ", problems));
        continue;
      }
      Artifact artifact = Json.artifact(entry, where);
      if (keys.add(artifact.key())) {
        read.add(artifact);
      } else {
        wrong.add(where + ": id: " + artifact.id() + " " + artifact.version() + " is there twice");
      }
    }
    if (!wrong.isEmpty()) {
      throw new IllegalArgumentException(told(wrong) + "; nothing was written");
    }
    return read;
  }

  private static String told(List<String> wrong) {
    int left = wrong.size() - TOLD;
    return String.join("; ", wrong.subList(0, Math.min(TOLD, wrong.size())))
        + (left > 0 ? "; and " + left + " more" : "");
  }

  static byte[] write(List<Artifact> artifacts) {
    ObjectNode tree = JsonNodeFactory.instance.objectNode();
    ArrayNode entries = tree.putArray("artifacts");
    artifacts.forEach(artifact -> entries.add(Json.tree(artifact)));
    tree.put("version", VERSION);
    return Json.ASCII.writeValueAsBytes(tree);
  }
}
