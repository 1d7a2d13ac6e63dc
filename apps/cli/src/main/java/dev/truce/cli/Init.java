package dev.truce.cli;

import dev.truce.file.FileEngine;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/// `truce init`: makes a root, or finds that there is one.
final class Init {
  private Init() {}

  static int run(Options options, Console console) {
    List<String> operands = options.operands();
    if (operands.size() > 1) {
      throw Failure.usage(Verb.INIT, "one DIR at a time");
    }
    Path directory = directory(options, operands, console);
    boolean there = Files.exists(directory.resolve("id"));
    try (FileEngine engine = FileEngine.open(directory)) {
      if (options.has("json")) {
        console.print(
            Json.object()
                .put("schema", "truce.init/1")
                .put("dir", directory.toString())
                .put("created", !there)
                .toString());
      } else {
        console.print(Text.shown(engine.place()) + (there ? " is there already" : ""));
      }
    }
    return 0;
  }

  private static Path directory(Options options, List<String> operands, Console console) {
    if (!operands.isEmpty()) {
      if (options.has("dir") || options.has("engine")) {
        throw Failure.usage(Verb.INIT, "DIR and --dir or --engine exclude each other");
      }
      if (operands.getFirst().isEmpty()) {
        throw Failure.usage(Verb.INIT, "DIR is empty");
      }
      return console.directory().resolve(operands.getFirst()).normalize();
    }
    Place named = Place.named(options, console);
    return named == null ? console.directory().resolve(Place.USUAL) : named.directory();
  }
}
