package dev.truce.file;

import dev.truce.EngineException;
import dev.truce.spi.Storage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// What a process does that is alone in a journal whose control file is missing, damaged, of
/// another boot, or tells of a failed flush, or where somebody was killed who wrote: it finds out
/// what the journal is, from segments and bases alone, and makes a control file that says so.
///
/// Whatever is not known to be on disk is written once more, into a fresh segment that has its name
/// only once it is on disk whole. So nothing has to be vouched for that others wrote, and a process
/// killed here leaves the journal as it was or as it will be.
final class Recovery {
  static final String NEXT =
      "what was acknowledged there is not what it was, so nothing more is written to this journal;"
          + " `truce verify` shows what is whole. Restore the directory from a backup, or save what"
          + " is whole by `truce verify --salvage DIR`";

  private final JournalFiles files;
  private final Control.Owner owner;

  Recovery(JournalFiles files, Control.Owner owner) {
    this.files = files;
    this.owner = owner;
  }

  /// Leaves a control file, unless a segment that was to be written has got its name from somebody
  /// else just now: then it is to be run again.
  void run() throws IOException {
    files.storage().sync(); // who gave the names that are found may have died before they were safe
    Survey survey = Survey.of(files);
    if (survey.empty()) {
      create();
      return;
    }
    Survey.Finding finding = survey.judge(Long.MAX_VALUE);
    EngineException damage = finding.damage();
    if (damage != null) {
      throw damage;
    }
    long end = goOn(finding);
    if (end != 0) {
      Control.write(files, owner, finding.lineage(), end);
      Yield.at(Yield.JOURNAL_RECOVERED);
      clean(finding, Place.segment(end));
    }
  }

  /// Whether a process wrote behind the end and was killed before that counted. It must not come
  /// back after a crash, when others have gone on without it; and it cannot be cleared away in
  /// place, for who is told that this could not be flushed may die before anybody else knows.
  static boolean leftBehind(JournalFiles files, Control control) throws IOException {
    long end = control.tail();
    try (Storage.File file = files.storage().open(files.segment(Place.segment(end)))) {
      byte[] behind = new byte[Frame.HEADER];
      ByteBuffer read = JournalFiles.read(file, Place.offset(end), behind.length);
      read.get(behind, 0, read.limit());
      return !Arrays.equals(behind, new byte[Frame.HEADER]);
    } catch (NoSuchFileException missing) {
      return false; // said by whoever reads it
    }
  }

  private void create() throws IOException {
    SegmentPage page = SegmentPage.fresh(files, files.unique(), 1, 0, 0);
    if (Segment.create(files, 1, List.of(page.bytes()), files.sizes().smallest())) {
      Control.write(files, owner, page.lineage(), page.first());
    }
  }

  /// Writes the fresh segment: what is behind the durable place, and a mark, by which it counts.
  /// Answers where it ends, or 0 if there is another one of its number by now.
  private long goOn(Survey.Finding finding) throws IOException {
    SegmentPage page =
        SegmentPage.fresh(
            files, finding.lineage(), finding.highest() + 1, finding.durable(), finding.chain());
    List<Note> notes = new ArrayList<>(finding.behind());
    notes.add(new Note.Mark());
    Segment.Filling filling = Segment.filled(page, notes, true, finding.durable());
    long size = Math.max(files.sizes().after(finding.weight()), Place.offset(filling.end()));
    return Segment.create(files, page.number(), filling.content(), size) ? filling.end() : 0;
  }

  /// Removes segments that are no part of the journal, and bases that were replaced.
  private void clean(Survey.Finding finding, int last) throws IOException {
    for (int number : files.segments()) {
      if (number != last && !finding.segments().contains(number)) {
        files.storage().delete(files.segment(number));
      }
    }
    for (JournalFiles.BaseFile base : files.bases()) {
      if (base.upTo() < finding.below()) {
        files.storage().delete(base.file());
      }
    }
  }
}
