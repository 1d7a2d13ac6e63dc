package dev.truce.index;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// A call of one of the verbs of `truce index`, as the command hands it on.
///
/// ```
///   ROOT make|look FOLDER VERB [@TOKEN:LOCK | --FLAG=VALUE]... -- OPERAND...
/// ```
///
/// @param make whether to make the root if there is none
/// @param folder that relative operands start from
/// @param tokens that what is written rests on, `TOKEN:LOCK` each
record Call(
    Path root,
    boolean make,
    Path folder,
    String verb,
    List<String> tokens,
    Map<String, String> flags,
    List<String> operands) {

  static Call of(List<String> arguments) {
    Map<String, String> flags = new HashMap<>();
    int end = arguments.indexOf("--");
    List<String> tokens = new ArrayList<>();
    for (String word : arguments.subList(4, end)) {
      if (word.startsWith("@")) {
        tokens.add(word.substring(1));
      } else {
        String[] parts = word.substring(2).split("=", 2);
        flags.put(parts[0], parts[1]);
      }
    }
    return new Call(
        Path.of(arguments.get(0)),
        arguments.get(1).equals("make"),
        Path.of(arguments.get(2)),
        arguments.get(3),
        List.copyOf(tokens),
        Map.copyOf(flags),
        List.copyOf(arguments.subList(end + 1, arguments.size())));
  }

  boolean has(String flag) {
    return flags.containsKey(flag);
  }

  boolean json() {
    return has("json");
  }

  String value(String flag, String otherwise) {
    return flags.getOrDefault(flag, otherwise);
  }

  /// The operands as paths.
  List<Path> paths() {
    List<Path> paths = new ArrayList<>();
    for (String operand : operands) {
      paths.add(folder.resolve(operand).normalize());
    }
    return paths;
  }

  /// The operands as paths, of which there has to be one.
  List<Path> somePaths() {
    if (operands.isEmpty()) {
      throw new IllegalArgumentException("which files? name PATHs");
    }
    return paths();
  }

  /// The one operand.
  ///
  /// @param what it is called
  String only(String what) {
    if (operands.size() != 1) {
      throw new IllegalArgumentException("one " + what + " at a time");
    }
    return operands.getFirst();
  }

  /// The one operand, if there is any.
  String only(String what, String otherwise) {
    return operands.isEmpty() ? otherwise : only(what);
  }
}
