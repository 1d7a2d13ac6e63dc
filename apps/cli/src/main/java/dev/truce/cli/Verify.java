package dev.truce.cli;

import dev.truce.EngineException;
import dev.truce.Truce;
import dev.truce.file.FileEngine;
import dev.truce.file.FileEngine.Audit;
import dev.truce.file.FileEngine.Verification;
import dev.truce.lock.History;
import dev.truce.store.Salvage;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/// `truce verify`: checks every record that a root has on disk, and saves what is whole.
final class Verify {
  private static final int WANTING = 1;

  private Verify() {}

  static int run(Options options, Console console) {
    options.noOperands();
    Path directory = Place.find(options, console).directory();
    String salvage = options.value("salvage");
    Path to = console.directory().resolve(salvage == null ? "" : salvage).normalize();
    List<Salvage> partly = new ArrayList<>();
    Verification found =
        salvage == null
            ? FileEngine.verify(directory)
            : FileEngine.salvage(
                directory,
                to,
                (damaged, behind) -> {
                  Salvage left = Salvage.of(damaged, behind);
                  partly.add(left);
                  return left.state();
                });
    List<String> findings = new ArrayList<>(found.findings());
    found.journals().forEach(journal -> findings.addAll(journal.findings()));
    Set<String> saved = salvage == null ? Set.of() : saved(to);
    List<String> unsaved = salvage == null ? List.of() : unsaved(found, saved);
    String history = history(options, console, found, findings);
    if (options.has("json")) {
      console.print(json(found, findings, partly, unsaved));
    } else {
      lines(found, findings, history).forEach(console::print);
      partly.forEach(left -> lines(left).forEach(console::print));
      for (String journal : unsaved) {
        console.print("nothing of journal " + Text.shown(journal) + " could be saved");
      }
    }
    if (salvage != null && !options.has("json")) {
      console.print(
          saved.isEmpty() && !unsaved.isEmpty()
              ? "no record is in " + Text.shown(salvage) + ": use an earlier backup"
              : "what is whole is in "
                  + Text.shown(salvage)
                  + "; make a root of it: truce restore "
                  + Text.word(salvage)
                  + " --dir NEW");
    }
    return findings.isEmpty() ? 0 : WANTING;
  }

  /// The journals of which a record or a checkpoint was saved.
  private static Set<String> saved(Path to) {
    Set<String> saved = new HashSet<>();
    for (Audit journal : FileEngine.verify(to).journals()) {
      if (journal.last() > 0) {
        saved.add(journal.name());
      }
    }
    return saved;
  }

  /// The damaged ones that are not among them.
  private static List<String> unsaved(Verification found, Set<String> saved) {
    List<String> unsaved = new ArrayList<>();
    for (Audit journal : found.journals()) {
      if (!journal.findings().isEmpty() && !saved.contains(journal.name())) {
        unsaved.add(journal.name());
      }
    }
    return unsaved;
  }

  /// The chain of the locks' history, which is looked at where its journal is whole.
  private static String history(
      Options options, Console console, Verification found, List<String> findings) {
    if (!findings.isEmpty() || found.journals().isEmpty()) {
      return "";
    }
    try (Truce truce = Look.at(options, console)) {
      History history = truce.history();
      if (history.broken().isPresent()) {
        findings.add(
            "the history of locks is broken: entry "
                + history.broken().getAsLong()
                + " does not follow from the one before it");
      }
      return "history of locks: " + history.entries().size() + " entries, hash-chained";
    } catch (EngineException unreadable) {
      findings.add(String.valueOf(unreadable.getMessage()));
      return "";
    }
  }

  private static String json(
      Verification found, List<String> findings, List<Salvage> partly, List<String> unsaved) {
    List<Json> journals = new ArrayList<>();
    for (Audit journal : found.journals()) {
      journals.add(
          Json.object()
              .put("journal", journal.name())
              .put("sound", journal.findings().isEmpty())
              .put("last", journal.last())
              .put("checkpoint", journal.below())
              .put("segments", journal.segments())
              .put("ending", journal.ending()));
    }
    List<Json> checkpoints = new ArrayList<>();
    for (Salvage left : partly) {
      checkpoints.add(
          Json.object()
              .put("keys", left.keys())
              .put("saved", left.saved())
              .putTexts("unnamed", left.unnamed()));
    }
    return Json.object()
        .put("schema", "truce.verification/1")
        .put("sound", findings.isEmpty())
        .put("dir", found.directory().toString())
        .put("journals", journals)
        .putTexts("findings", findings)
        .put("salvaged", checkpoints)
        .putTexts("unsaved", unsaved)
        .toString();
  }

  private static List<String> lines(Salvage left) {
    List<String> lines = new ArrayList<>();
    lines.add("saved of the damaged checkpoint: " + left.saved() + " of " + left.keys() + " keys");
    for (String store : left.unnamed()) {
      lines.add("the name of a store is lost; it is called " + Text.shown(store) + " now");
    }
    return lines;
  }

  private static List<String> lines(Verification found, List<String> findings, String history) {
    List<String> lines = new ArrayList<>();
    for (Audit journal : found.journals()) {
      lines.add(
          "journal "
              + Text.shown(journal.name())
              + ": "
              + journal.last()
              + " records, checkpoint at "
              + journal.below()
              + "; "
              + journal.ending());
    }
    if (!history.isEmpty()) {
      lines.add(history);
    }
    for (String finding : findings) {
      lines.add("wanting: " + Text.shown(finding));
    }
    if (findings.isEmpty()) {
      lines.add("sound");
    }
    return lines;
  }
}
