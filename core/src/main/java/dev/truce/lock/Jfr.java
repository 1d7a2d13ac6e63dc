package dev.truce.lock;

import dev.truce.Owner;
import dev.truce.lock.LockStatistics.End;
import dev.truce.lock.NamedLock.Mode;
import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import org.jspecify.annotations.Nullable;

/// What a flight recording shows of locks.
///
/// Where none was ever started in this JVM nothing of this is made, and no class of it loaded: the
/// JDK's events are in no AOT cache, and a command would start later by as long as it takes to find
/// one. So who asks whether somebody records does not ask here, and hands on each event as what it
/// is, for a verifier that had to compare two of them would load both.
final class Jfr {
  private Jfr() {}

  /// A hold that begins now; `null` if it is not recorded.
  static @Nullable LockHold hold() {
    LockHold hold = new LockHold();
    hold.begin();
    return hold.isEnabled() ? hold : null;
  }

  /// A wait that begins now; `null` if it is not recorded.
  static @Nullable Waited await() {
    Waited wait = new Waited();
    wait.begin();
    return wait.isEnabled() ? wait : null;
  }

  static void refused(String lock, Mode mode, long token, End why) {
    if (why == End.DEADLOCK) {
      commitOne(new Deadlock(), lock, mode, token);
    } else {
      LockRefused refused = new LockRefused();
      refused.why = why.name();
      commitOne(refused, lock, mode, token);
    }
  }

  static void lost(String lock, Mode mode, long token, Owner owner, String cause) {
    LockLost lost = new LockLost();
    lost.owner = owner.toString();
    lost.cause = cause;
    commitOne(lost, lock, mode, token);
  }

  static void commit(LockHold hold, String lock, Mode mode, long token) {
    commitOne(hold, lock, mode, token);
  }

  /// @param token of what was granted after the wait, 0 if nothing was
  static void commit(Waited wait, String lock, Mode mode, long token) {
    wait.granted = token != 0;
    commitOne(wait, lock, mode, token);
  }

  private static void commitOne(OfALock event, String lock, Mode mode, long token) {
    if (event.shouldCommit()) {
      event.lock = lock;
      event.writing = mode == Mode.WRITE;
      event.token = token;
      event.commit();
    }
  }

  /// What all of them say.
  @Category("Truce")
  abstract static class OfALock extends Event {
    @Label("Lock")
    String lock = "";

    @Label("For Writing")
    boolean writing;

    @Label("Token")
    long token;
  }

  /// A thread waited: in the queue, in a ticket's place, or, a reader, to be a writer.
  @Name("dev.truce.LockWait")
  @Label("Lock Wait")
  static final class Waited extends OfALock {
    @Label("Granted")
    boolean granted;
  }

  /// A grant of this process in one mode, from its beginning to its end; a lease is none.
  @Name("dev.truce.LockHold")
  @Label("Lock Hold")
  @StackTrace(false)
  static final class LockHold extends OfALock {}

  /// The lock was not had.
  @Name("dev.truce.LockRefused")
  @Label("Lock Refused")
  static final class LockRefused extends OfALock {
    @Label("Why")
    String why = "";
  }

  /// Waiting could never have ended.
  @Name("dev.truce.Deadlock")
  @Label("Deadlock")
  static final class Deadlock extends OfALock {}

  /// A grant of this process was lost, or it put down the end of another one's.
  @Name("dev.truce.LockLost")
  @Label("Lock Lost")
  @StackTrace(false)
  static final class LockLost extends OfALock {
    @Label("Owner")
    @Description("Whose grant it was")
    String owner = "";

    @Label("Cause")
    String cause = "";
  }
}
