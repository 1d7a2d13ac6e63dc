package dev.truce.lock;

import dev.truce.Owner;
import dev.truce.lock.History.Entry;
import dev.truce.lock.LockMachine.Caller;
import dev.truce.lock.LockMachine.Command;
import dev.truce.lock.LockMachine.Outcome;
import dev.truce.lock.LockMachine.Rules;
import dev.truce.lock.LockMachine.Tokens;
import dev.truce.lock.LockState.Claim;
import dev.truce.spi.Cells;
import dev.truce.spi.Cells.Cell;
import dev.truce.spi.Cells.Swap;
import dev.truce.spi.Engine;
import java.time.Instant;
import java.util.List;

/// What every handle does before it grants anything: where the cells are new, because the machine
/// was started again or they had to be rebuilt, the leases that have not ended stand again, each
/// with its token and its full term, and the locks whose traffic was recorded are recorded again.
///
/// A cell of its own says that this was done. Until it is there, no handle has been opened, so
/// nothing was granted and no lease has ended. Whoever restores a lease reads the lock's cell first
/// and then that mark: if the mark is absent, nothing but restoring ever touched the lock's cell,
/// and if anything touches it afterwards, the swap is lost. So any number of openers may do this at
/// once, and be killed at any step.
final class Restoring {
  private static final String MARK = "restored";
  private static final byte[] DONE = {1};

  private final Engine engine;
  private final Cells cells;
  private final Ledger ledger;
  private final Recorder recorder;
  private final Caller caller;
  private final Rules rules;

  Restoring(Engine engine, Ledger ledger, Recorder recorder, Caller caller, Rules rules) {
    this.engine = engine;
    this.cells = engine.cells();
    this.ledger = ledger;
    this.recorder = recorder;
    this.caller = caller;
    this.rules = rules;
  }

  void restore() {
    if (isDone()) {
      return;
    }
    recorder.restore(this::isDone);
    List<Entry> leases = ledger.leases();
    leases.forEach(this::restore);
    if (mark()) {
      leases.forEach(lease -> ledger.restored(asRestored(lease)));
    }
  }

  private boolean isDone() {
    return !cells.read(MARK).absent();
  }

  private void restore(Entry lease) {
    String key = Locks.key(lease.lock());
    Claim claim = LeaseId.read(lease.id()).orElseThrow();
    Bounds bounds = new Bounds(lease.renewals(), lease.atLeast());
    String terms = new Terms(lease.owner(), lease.term(), bounds, lease.reason()).write();
    while (true) {
      Cell cell = cells.read(key);
      if (isDone()) {
        return;
      }
      long now = engine.ticker().nanos();
      Command command =
          new Command.Restore(
              claim, lease.mode(), lease.token(), Locks.later(now, lease.term()), terms);
      Outcome outcome =
          LockMachine.step(
              LockState.decode(cell.bytes()), caller, command, now, Tokens.NONE, rules);
      if (!outcome.changed()
          || cells.swap(key, cell, outcome.state().encode()) instanceof Swap.Won) {
        return;
      }
    }
  }

  /// True for the one that put it there.
  private boolean mark() {
    while (true) {
      Cell cell = cells.read(MARK);
      if (!cell.absent()) {
        return false;
      }
      if (cells.swap(MARK, cell, DONE) instanceof Swap.Won) {
        return true;
      }
    }
  }

  private Entry asRestored(Entry lease) {
    return new Entry(
        0,
        Instant.now(),
        History.Kind.RESTORED,
        lease.lock(),
        lease.mode(),
        lease.token(),
        lease.id(),
        new Owner(lease.owner().name(), lease.owner().host(), 0),
        lease.term(),
        lease.renewals(),
        lease.atLeast(),
        "",
        lease.reason());
  }
}
