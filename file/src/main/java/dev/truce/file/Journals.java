package dev.truce.file;

import dev.truce.spi.Ticker;
import java.util.HashMap;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Executor;

/// The journals that this process has open in one root, each once.
final class Journals implements AutoCloseable {
  private final Directory directory;
  private final Locks locks;
  private final Control.Owner owner;
  private final Ticker ticker;
  private final Map<String, SharedJournal> open = new HashMap<>();

  /// Does what nobody waits for, on a thread that ends with the process.
  private final Executor aside =
      work -> Thread.ofPlatform().daemon().name("truce-journal").start(work);

  /// The same, for what takes its time.
  private final Executor later =
      work -> Thread.ofPlatform().daemon().name("truce-journal-rest").start(work);

  Journals(Directory directory, Locks locks, UUID root, String boot, Ticker ticker) {
    this.directory = directory;
    this.locks = locks;
    this.owner = new Control.Owner(root, boot);
    this.ticker = ticker;
  }

  /// Whether anybody has written to it, or began to.
  synchronized boolean exists(String name) {
    if (open.containsKey(name)) {
      return true;
    }
    JournalFiles files = files(name);
    return directory.has(files.path(files.control()))
        || !files.segments().isEmpty()
        || !files.bases().isEmpty();
  }

  private JournalFiles files(String name) {
    return new JournalFiles(directory.disk(), directory.path(), name);
  }

  synchronized SharedJournal open(String name) {
    SharedJournal known = open.get(name);
    if (known != null) {
      return known;
    }
    JournalFiles files = files(name);
    SharedJournal journal = SharedJournal.open(files, locks, owner, ticker, aside, later);
    open.put(name, journal);
    return journal;
  }

  /// Looks at a journal of a root, whether or not somebody has it open, and changes nothing.
  static FileEngine.Audit examine(Directory directory, String name) {
    return new Auditor(new JournalFiles(directory.disk(), directory.path(), name)).audit();
  }

  @Override
  public synchronized void close() {
    open.values().forEach(SharedJournal::close);
    open.clear();
  }
}
