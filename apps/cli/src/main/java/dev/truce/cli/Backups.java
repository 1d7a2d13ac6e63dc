package dev.truce.cli;

import dev.truce.file.FileEngine;
import dev.truce.file.FileEngine.Copy;
import java.nio.file.Path;

/// `truce backup` and `truce restore`: what of a root outlives its machine.
final class Backups {
  private Backups() {}

  static int take(Options options, Console console) {
    Path to = operand(options, Verb.BACKUP, "where to? Name a directory that is not there yet");
    Path root = Place.find(options, console).directory();
    Path target = console.directory().resolve(to).normalize();
    Copy copy = FileEngine.backup(root, target);
    console.print(
        options.has("json")
            ? Json.object()
                .put("schema", "truce.backup/1")
                .put("dir", root.toString())
                .put("backup", copy.directory().toString())
                .put("files", copy.files())
                .put("bytes", copy.bytes())
                .toString()
            : Text.shown(copy.directory().toString())
                + ": "
                + copy.files()
                + " files, "
                + copy.bytes()
                + " bytes; check with: (cd "
                + Text.word(copy.directory().toString())
                + " && sha256sum --quiet -c SHA256SUMS)");
    return 0;
  }

  static int restore(Options options, Console console) {
    Path from = operand(options, Verb.RESTORE, "from which backup?");
    Place named = Place.named(options, console);
    Path root = named == null ? console.directory().resolve(Place.USUAL) : named.directory();
    Copy copy = FileEngine.restore(console.directory().resolve(from).normalize(), root);
    console.print(
        options.has("json")
            ? Json.object()
                .put("schema", "truce.restore/1")
                .put("dir", copy.directory().toString())
                .put("files", copy.files())
                .put("bytes", copy.bytes())
                .toString()
            : Text.shown(copy.directory().toString())
                + " is a root of its own now, its tokens above all that the other gave out");
    return 0;
  }

  private static Path operand(Options options, Verb verb, String question) {
    if (options.operands().size() != 1 || options.operands().getFirst().isEmpty()) {
      throw Failure.usage(verb, question);
    }
    return Path.of(options.operands().getFirst());
  }
}
