package dev.truce.file;

import dev.truce.EngineException;
import dev.truce.EngineException.Kind;
import dev.truce.file.FileEngine.Audit;
import dev.truce.spi.Journal;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/// Looks at a journal without opening it: nothing is written, nobody is waited for, and somebody
/// may be appending meanwhile.
final class Auditor {
  /// How often files may be retired below a look before that is called damage.
  private static final int TRIES = 16;

  private final JournalFiles files;

  Auditor(JournalFiles files) {
    this.files = files;
  }

  /// Checks every record.
  Audit audit() {
    try {
      Survey.Finding finding = judge();
      List<String> findings = new ArrayList<>();
      if (finding.damage() != null) {
        findings.add(String.valueOf(finding.damage().getMessage()));
      }
      return new Audit(
          files.name(),
          finding.last(),
          finding.below(),
          finding.segments().size(),
          finding.behind().size(),
          Place.text(finding.end()) + ": " + finding.ending(),
          List.copyOf(findings));
    } catch (EngineException e) {
      if (e.kind() != Kind.DAMAGED) {
        throw e;
      }
      return new Audit(files.name(), 0, 0, 0, 0, "", List.of(String.valueOf(e.getMessage())));
    }
  }

  /// Refuses a journal that nobody uses unless every record of it is whole.
  ///
  /// @param next what to do about one that is not
  void requireWhole(String next) {
    EngineException damage =
        files.io(files.control(), () -> Survey.ofAll(files, next).judge(Long.MAX_VALUE)).damage();
    if (damage != null) {
      throw damage;
    }
  }

  /// What is damaged may have been retired between the look at the names and the one at the file,
  /// so it is damaged when two looks in a row say the same of it.
  private Survey.Finding judge() {
    return files.io(
        files.control(),
        () -> {
          String before = "";
          for (int tries = 1; ; tries++) {
            Look look = look();
            String damage = look.damage == null ? null : String.valueOf(look.damage.getMessage());
            if (damage == null || damage.equals(before) || tries == TRIES) {
              return look.finding();
            }
            before = damage;
          }
        });
  }

  /// @param found `null` where nothing is left that a journal could begin with
  private record Look(Survey.@Nullable Finding found, @Nullable EngineException damage) {
    Survey.Finding finding() {
      if (found == null) {
        throw Objects.requireNonNull(damage);
      }
      return found;
    }
  }

  private Look look() throws IOException {
    try {
      Survey.Finding found = Survey.ofAll(files, Recovery.NEXT).judge(0);
      return new Look(found, found.damage());
    } catch (NoSuchFileException missing) {
      return new Look(
          null,
          Faults.damaged(
              files.path(String.valueOf(missing.getFile())), "it is missing", Recovery.NEXT));
    } catch (EngineException e) {
      if (e.kind() != Kind.DAMAGED) {
        throw e;
      }
      return new Look(null, e);
    }
  }

  /// Copies what can be proved into the empty files of another journal: the newest base that counts
  /// and all records behind it, up to the first that is damaged. Positions, commit ids and ended
  /// tokens stay what they were.
  ///
  /// @param provable what is left of the state of a base, where none is whole
  /// @return the last position that was saved
  long salvage(
      JournalFiles to, BiFunction<Journal.Base, List<Journal.Entry>, Journal.State> provable) {
    for (int tries = 1; ; tries++) {
      Survey.Finding finding = left();
      try {
        to.<Boolean>io(
            to.control(),
            () -> {
              copy(finding, to, provable);
              return true;
            });
        return finding.last();
      } catch (EngineException e) {
        if (tries == TRIES || !isRetired(finding.base())) {
          throw e;
        }
      }
    }
  }

  /// What is there when nothing whole is to begin with: the newest base whose state alone is
  /// damaged.
  private Survey.Finding left() {
    try {
      return judge();
    } catch (EngineException nothingWhole) {
      if (nothingWhole.kind() != Kind.DAMAGED) {
        throw nothingWhole;
      }
      return files.io(files.control(), () -> Survey.of(files).judge(0));
    }
  }

  /// Whether a base that was there has been replaced.
  private boolean isRetired(@Nullable Base base) {
    return base != null && !files.bases().contains(files.baseFile(base.upTo(), base.id()));
  }

  private void copy(
      Survey.Finding finding,
      JournalFiles to,
      BiFunction<Journal.Base, List<Journal.Entry>, Journal.State> provable)
      throws IOException {
    Base base = finding.base();
    int number = base == null ? 1 : 2; // the first one is where a journal begins that has no base
    SegmentPage page = SegmentPage.fresh(to, finding.lineage(), number, 0, 0);
    List<Note> notes = new ArrayList<>();
    if (base != null) {
      copy(finding, base, to, provable, () -> base.at(page.first(), page.crc()));
      notes.add(new Note.Checkpoint(base.upTo(), base.id()));
    }
    for (Note note : finding.behind()) {
      if (!(note instanceof Note.Checkpoint)) {
        notes.add(note); // a base that counts is the one above, any other cannot be read
      }
    }
    Segment.Filling filling = Segment.filled(page, notes, false, page.first());
    long size = Math.max(to.sizes().smallest(), Place.offset(filling.end()));
    Segment.create(to, number, filling.content(), size);
  }

  private void copy(
      Survey.Finding finding,
      Base base,
      JournalFiles to,
      BiFunction<Journal.Base, List<Journal.Entry>, Journal.State> provable,
      Faults.Work<Base> knowing)
      throws IOException {
    JournalFiles.BaseFile file = files.baseFile(base.upTo(), base.id());
    JournalFiles.BaseFile copy = to.baseFile(base.upTo(), base.id());
    if (Bases.readWhole(files, file) != null) {
      Bases.write(to, copy, Bases.state(files, file), knowing);
      return;
    }
    try (Journal.Base damaged = Bases.view(files, file)) {
      if (damaged == null) {
        throw Faults.damaged(
            files.path(file.file()), "it is gone or fails its check", Recovery.NEXT);
      }
      Bases.write(to, copy, provable.apply(damaged, commits(finding)), knowing);
    }
  }

  private static List<Journal.Entry> commits(Survey.Finding finding) {
    List<Journal.Entry> commits = new ArrayList<>();
    for (Note note : finding.behind()) {
      if (note instanceof Note.Landed(long position, UUID id, byte[] record)) {
        commits.add(new Journal.Entry(position, id, record));
      }
    }
    return commits;
  }
}
