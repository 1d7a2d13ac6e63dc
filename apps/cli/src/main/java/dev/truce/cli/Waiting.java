package dev.truce.cli;

import dev.truce.TruceException;
import dev.truce.lock.LockStatus;
import dev.truce.lock.NamedLock;
import java.util.HashSet;
import java.util.Set;

/// The line that says for what and for whom a run waits: after a second, and then whenever that has
/// changed.
final class Waiting extends Thread {
  private static final long FIRST_MILLIS = 1_000;
  private static final long LOOK_MILLIS = 250;

  private final NamedLock[] locks;
  private final long pid;
  private final Console console;
  private volatile boolean over;

  /// @param pid the process that the claim is shown under
  Waiting(NamedLock[] locks, long pid, Console console) {
    super("truce-waiting");
    setDaemon(true);
    this.locks = locks;
    this.pid = pid;
    this.console = console;
  }

  @Override
  public void run() {
    Object said = "";
    try {
      for (long pause = FIRST_MILLIS; !over; pause = LOOK_MILLIS) {
        Thread.sleep(pause);
        said = look(said);
      }
    } catch (InterruptedException ended) {
      // nothing is left to say
    }
  }

  /// Says it if it differs from what was said before; answers what stands said now.
  private Object look(Object said) {
    for (NamedLock lock : locks) {
      LockStatus status;
      try {
        status = lock.status();
      } catch (TruceException unreadable) {
        return said;
      }
      for (LockStatus.Waiter waiter : status.queue()) {
        if (waiter.owner().pid() == pid) {
          Object now = what(status, waiter);
          synchronized (this) {
            if (!over && !now.equals(said)) {
              console.error(line(status, waiter.position() - 1));
            }
          }
          return now;
        }
      }
    }
    return said;
  }

  private static Object what(LockStatus status, LockStatus.Waiter waiter) {
    Set<Object> what = new HashSet<>();
    what.add(status.lock());
    what.add(waiter.position());
    for (LockStatus.Holder holder : status.holders()) {
      what.add(holder.token());
    }
    return what;
  }

  /// `truce: waiting for deploy: ci@build-3 (pid 8112) has held it for 4m12s, 1 ahead of you`.
  static String line(LockStatus status, int ahead) {
    StringBuilder line = new StringBuilder("truce: waiting for ").append(Text.shown(status.lock()));
    if (!status.holders().isEmpty()) {
      LockStatus.Holder first = status.holders().getFirst();
      int more = status.holders().size() - 1;
      line.append(": ")
          .append(Text.who(first.owner()))
          .append(more == 0 ? " has" : " and " + more + " more have")
          .append(" held it for ")
          .append(Text.span(first.heldFor()));
    }
    return line.append(ahead > 0 ? ", " + ahead + " ahead of you" : ", you are next").toString();
  }

  /// Says nothing more.
  void end() {
    synchronized (this) {
      over = true;
    }
    interrupt();
  }
}
