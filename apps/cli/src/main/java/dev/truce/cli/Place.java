package dev.truce.cli;

import dev.truce.file.FileEngine;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/// Which root a command works on.
///
/// @param named whether somebody named it: a named one is made when there is none, one that was
///   only looked for never is, for two working directories must not mean two silent "exclusive"
///   holders
record Place(Path directory, boolean named) {
  /// What a root is called when nobody names it.
  static final String USUAL = ".truce";

  /// `--dir` or `--engine`, else `TRUCE_DIR` or `TRUCE_ENGINE`, else `.truce` in the nearest
  /// ancestor.
  ///
  /// @throws Failure if there is none, or for a verb that makes none if what is there is a backup
  static Place find(Options options, Console console) {
    Place place = nearest(options, console);
    return options.verb().makesRoots() ? place : place.there();
  }

  private static Place nearest(Options options, Console console) {
    Place named = named(options, console);
    if (named != null) {
      return named;
    }
    for (Path at = console.directory(); at != null; at = at.getParent()) {
      Path root = at.resolve(USUAL);
      if (Files.isDirectory(root)) {
        return new Place(root, false);
      }
    }
    throw Failure.configuration(
        "no "
            + USUAL
            + " in "
            + console.directory()
            + " or above: make one with 'truce init', or name one with --dir or TRUCE_DIR");
  }

  /// The root that flags or environment name, or null when they name none.
  static @Nullable Place named(Options options, Console console) {
    String dir = options.value("dir");
    String engine = options.value("engine");
    if (dir != null && engine != null) {
      throw Failure.usage(options.verb(), "--dir and --engine exclude each other");
    }
    if (dir != null) {
      if (dir.isEmpty()) {
        throw Failure.usage(options.verb(), "--dir is empty");
      }
      return at(dir, "--dir", console);
    }
    if (engine != null) {
      return at(engine, console);
    }
    String dirVariable = console.variable("TRUCE_DIR");
    String engineVariable = console.variable("TRUCE_ENGINE");
    if (dirVariable != null && engineVariable != null) {
      throw Failure.configuration(
          "TRUCE_DIR and TRUCE_ENGINE are both set: unset one, or name the root with --dir");
    }
    if (dirVariable != null) {
      return at(dirVariable, "TRUCE_DIR", console);
    }
    return engineVariable == null ? null : at(engineVariable, console);
  }

  private static Place at(String path, String from, Console console) {
    try {
      if (Options.isReadable(path)) {
        return new Place(console.directory().resolve(path).normalize(), true);
      }
    } catch (InvalidPathException refused) {
      throw Failure.configuration(from + " is no path: " + refused.getMessage());
    }
    throw Failure.configuration(from + " is no path in UTF-8: " + path);
  }

  private static Place at(String engine, Console console) {
    URI uri;
    try {
      uri = new URI(engine);
    } catch (URISyntaxException refused) {
      throw Failure.configuration("no URI of an engine: " + refused.getMessage());
    }
    String scheme = uri.getScheme();
    if (scheme == null) {
      throw Failure.configuration(
          "an engine is a URI such as file:/srv/app/.truce, not: " + engine);
    }
    if (scheme.equals("file")) {
      String path = uri.getPath() == null ? uri.getSchemeSpecificPart() : uri.getPath();
      if (path == null || path.isEmpty()) {
        throw Failure.configuration("no path in the engine's URI: " + engine);
      }
      return at(path, "the engine's URI", console);
    }
    String artifact =
        switch (scheme) {
          case "postgresql", "postgres" -> "truce-postgres";
          case "redis", "rediss" -> "truce-redis";
          case "zookeeper", "etcd", "github" -> "truce-" + scheme;
          default -> null;
        };
    throw Failure.configuration(
        artifact == null
            ? "no engine is called " + scheme + ": this command knows file:"
            : "this command knows file: only; " + scheme + ": comes with dev.truce:" + artifact);
  }

  /// This, for a verb that makes no root and would leave its files beside a backup's.
  private Place there() {
    if (!Files.exists(directory)) {
      throw Failure.configuration(directory + " is no Truce root; `truce init` makes one");
    }
    // A backup that was made a root of its own in its place has cells.
    if (Files.exists(directory.resolve("SHA256SUMS"))
        && !Files.exists(directory.resolve("cells"))) {
      throw Failure.configuration(
          directory
              + " is a backup: truce restore "
              + Text.word(directory.toString())
              + " makes a root of it");
    }
    return this;
  }

  /// Opens it, and makes it if somebody named it and there is none. What the engine found damaged
  /// and made anew is said here, the only time that it is known.
  FileEngine open(Console console) {
    FileEngine engine = named ? FileEngine.open(directory) : FileEngine.existing(directory);
    for (String note : engine.notes()) {
      console.error("truce: " + Text.shown(note));
    }
    return engine;
  }
}
