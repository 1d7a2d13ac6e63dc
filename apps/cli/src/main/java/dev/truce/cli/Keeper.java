package dev.truce.cli;

import dev.truce.Truce;
import dev.truce.lock.LockSet;
import dev.truce.lock.NamedLock;
import dev.truce.lock.NotAcquiredException;
import java.io.ByteArrayInputStream;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The other half of `truce run`: holds the locks while the launcher's shell runs the command.
///
/// The command has to see what it would see without Truce, which only the shell that was called can
/// give it: descriptors, terminal, dispositions. So the shell starts this process beside itself and
/// they talk over two pipes that nobody else has:
///
/// ```
///   this process says (each word ended by NUL)       it is told (each line ended by LF)
///   refuse STATUS                                     command PID, by the porter
///   go LINE VARIABLE=VALUE... and an empty word       ended STATUS gone|left, by the shell
///   released STATUS   or   left STATUS
/// ```
///
/// - The end of the shell's pipe without `ended`: the shell is dead, or gave up waiting. What runs
///   under the locks is killed first, then they are released.
/// - Descriptor 3 is the reading end of the [life pipe][Life], whose writing end the command and
///   all that it starts inherit: its end says that all of them are gone. `left` answers that some
///   are not; the locks are held until they are, as with flock(1), but the shell need not wait.
///
/// **Start.** Whatever this class touches before it says `go` is paid by every run: no lambda, no
/// stream, no second thread before there is something to wait for.
public final class Keeper {
  private final Console console;
  private final long shell;
  private final InputStream fromShell;
  private final OutputStream toShell;
  private final Life life;

  /// Whether the shell was told to start the command.
  private volatile boolean began;

  // The three below change under this object's monitor.
  private LockSet.@Nullable Held held;
  private boolean givenUp;
  private @Nullable Warden warden;

  Keeper(Console console, long shell, InputStream fromShell, OutputStream toShell) {
    this.console = console;
    this.shell = shell;
    this.fromShell = fromShell;
    this.toShell = toShell;
    this.life = new Life(shell);
  }

  /// Arguments: the shell's pid; `command` or `line`, for what follows the options; and the
  /// arguments of `truce run` before its `--`.
  public static void main(String[] args) {
    Console console = Console.system();
    Keeper keeper =
        new Keeper(
            console,
            Long.parseLong(args[0]),
            new FileInputStream(FileDescriptor.in),
            new FileOutputStream(FileDescriptor.out));
    List<String> own = List.of(args).subList(2, args.length);
    try {
      keeper.keep(args[1].equals("command"), own);
    } catch (IOException | RuntimeException | Error thrown) {
      if (keeper.began) {
        keeper.giveUp(thrown);
      }
      keeper.fail(thrown, Main.wantsJson(own));
    }
    Runtime.getRuntime().halt(0);
  }

  /// Goes through a whole run of a command that ends at once, without one: for the training.
  static void rehearse(Console console, List<String> args) throws IOException {
    byte[] shell = "command 0\nended 0 gone\n".getBytes(StandardCharsets.UTF_8);
    new Keeper(console, 0, new ByteArrayInputStream(shell), OutputStream.nullOutputStream())
        .keep(true, args);
  }

  /// Something broke while the command runs, which must not go on without its locks. The status
  /// tells the nurse to see to it, should this process be too broken to do so.
  void giveUp(Throwable thrown) {
    try {
      life.end();
      Failure.of(thrown).report(console);
    } finally {
      Runtime.getRuntime().halt(Failure.INTERNAL);
    }
  }

  private void fail(Throwable thrown, boolean json) {
    Failure failure = Failure.of(thrown);
    if (json) {
      console.error(failure.json());
    } else {
      failure.report(console);
    }
    refuse(failure.status());
  }

  void keep(boolean command, List<String> args) throws IOException {
    Options parsed = Options.parse(Verb.RUN, args);
    RunOptions run = RunOptions.of(parsed, command);
    Place place = Place.find(parsed, console);
    String outer = Grants.outer(console);
    Truce truce = open(place, run);
    Claim claim = new Claim(truce, locks(truce, run), place, run, outer);
    if (!claim.atOnce()) {
      // From here on this thread listens to the shell, so another one has to wait for the locks.
      claim.start();
    }
    listen(claim);
    truce.close();
  }

  private Truce open(Place place, RunOptions run) {
    Truce.Builder builder =
        Truce.builder()
            .engine(place.open(console))
            .owner(owner(run))
            .host(Console.host())
            .pid(shell);
    String parent = Grants.parent(place, console);
    if (parent != null) {
      builder.within(parent);
    }
    return builder.open();
  }

  private String owner(RunOptions run) {
    if (run.owner() != null) {
      return run.owner();
    }
    String inherited = console.variable("TRUCE_OWNER");
    return inherited != null ? inherited : System.getProperty("user.name", "somebody");
  }

  private static NamedLock[] locks(Truce truce, RunOptions run) {
    List<NamedLock> locks = new ArrayList<>();
    for (RunOptions.Wanted wanted : run.wanted()) {
      NamedLock plain =
          wanted.limit() > 0
              ? truce.permits(wanted.name(), wanted.limit()).one()
              : truce.lock(wanted.name());
      NamedLock lock =
          run.force()
              ? plain.byForce(run.reason())
              : plain.withReason(run.reason()).withPriority(run.priority());
      locks.add(wanted.read() ? lock.read() : lock);
    }
    return locks.toArray(new NamedLock[0]);
  }

  /// What the shell asked for, until it is had or refused.
  private final class Claim extends Thread {
    private final Truce truce;
    private final NamedLock[] locks;
    private final Place place;
    private final RunOptions run;
    private final String outer;

    Claim(Truce truce, NamedLock[] locks, Place place, RunOptions run, String outer) {
      super("truce-claim");
      this.truce = truce;
      this.locks = locks;
      this.place = place;
      this.run = run;
      this.outer = outer;
    }

    /// Whether it was had without waiting. Ends the process when there shall be no waiting.
    boolean atOnce() throws IOException {
      try {
        have(truce.locks(locks).acquire(Duration.ZERO));
        return true;
      } catch (NotAcquiredException inTheWay) {
        if (run.patience().isZero()) {
          refused(inTheWay);
        }
        return false;
      } catch (InterruptedException nobodyDoes) {
        throw new IllegalStateException(nobodyDoes);
      }
    }

    @Override
    public void run() {
      Waiting waiting = new Waiting(locks, shell, console);
      if (!run.quiet() && !run.json()) {
        waiting.start();
      }
      try {
        await(waiting);
      } catch (InterruptedException givenUp) {
        // the other thread says so
      } catch (IOException | RuntimeException | Error thrown) {
        // The process ends whatever happens here: that gives back what it has or wants.
        try {
          fail(thrown, run.json());
        } finally {
          Runtime.getRuntime().halt(0);
        }
      }
    }

    private void await(Waiting waiting) throws IOException, InterruptedException {
      try {
        LockSet.Held all = truce.locks(locks).acquire(run.patience());
        waiting.end();
        have(all);
      } catch (NotAcquiredException inTheWay) {
        waiting.end();
        refused(inTheWay);
      } finally {
        waiting.end();
      }
    }

    private void have(LockSet.Held all) throws IOException {
      synchronized (Keeper.this) {
        if (givenUp) {
          all.close();
          return;
        }
        held = all;
        began = true;
        say(Grants.go(all, place, run, owner(run), outer));
      }
    }

    private void refused(NotAcquiredException inTheWay) {
      if (!run.quiet()) {
        console.error(
            run.json()
                ? Refusals.json(inTheWay.refusal(), owner(run))
                : Refusals.text(inTheWay.refusal(), run.patience(), "not run"));
      }
      truce.close();
      refuse(Refusals.status(inTheWay.refusal(), run.refused()));
      Runtime.getRuntime().halt(0);
    }
  }

  // ---- what the shell says

  private void listen(Claim claim) throws IOException {
    for (String line = hear(); line != null; line = hear()) {
      if (line.startsWith("command ")) {
        life.of(Long.parseLong(line.substring("command ".length())));
        guard(claim);
      } else if (line.startsWith("ended ")) {
        ended(line.substring("ended ".length(), line.lastIndexOf(' ')), line.endsWith(" left"));
        return;
      } else {
        throw new IllegalStateException("the launcher said: " + line);
      }
    }
    abandoned(claim);
  }

  private synchronized void guard(Claim claim) {
    if (held != null) {
      warden = new Warden(claim.truce, held, claim.run, life, console, this);
      warden.start();
    }
  }

  /// The command has ended, and perhaps what it started has not.
  private void ended(String status, boolean left) {
    Warden guarding = warden;
    if (guarding == null) {
      throw new IllegalStateException("it ended before it began");
    }
    life.of(0); // from now on that pid can be anybody's
    int verdict = guarding.conclude(left);
    if (left && verdict == 0) {
      say("left", status);
      letGo();
      life.await();
      guarding.dismiss();
      release();
      return;
    }
    if (verdict != 0) {
      // What is left is being stopped: the shell waits for that.
      guarding.await();
    }
    release();
    letGoOfErrors();
    say("released", verdict == 0 ? status : Integer.toString(verdict));
  }

  /// The shell has died, or given up.
  private void abandoned(Claim claim) {
    boolean holding;
    synchronized (this) {
      givenUp = true;
      holding = held != null;
    }
    if (holding) {
      letGo();
      life.end();
      release();
    } else {
      claim.interrupt();
      try {
        claim.join();
      } catch (InterruptedException nobodyDoes) {
        throw new IllegalStateException("the locks may still be asked for", nobodyDoes);
      }
    }
  }

  private void release() {
    LockSet.Held mine;
    synchronized (this) {
      mine = held;
    }
    if (mine != null) {
      mine.close();
    }
  }

  /// Nobody must wait for the end of a stream only because a lock is still held.
  private void letGo() {
    letGoOfErrors();
    try {
      toShell.close();
      fromShell.close();
    } catch (IOException alreadyGone) {
      // as wanted
    }
  }

  private void letGoOfErrors() {
    console.err().close();
  }

  // ---- the pipes

  private void refuse(int status) {
    say("refuse", Integer.toString(status));
  }

  private void say(String... words) {
    StringBuilder text = new StringBuilder();
    for (String word : words) {
      text.append(word).append('\0');
    }
    try {
      toShell.write(text.toString().getBytes(StandardCharsets.UTF_8));
    } catch (IOException shellIsGone) {
      // Its pipe has ended as well, and whoever listens there does what is to be done.
    }
  }

  /// The next line of the shell, or null at its end.
  private @Nullable String hear() throws IOException {
    StringBuilder line = new StringBuilder();
    for (int c = fromShell.read(); c >= 0; c = fromShell.read()) {
      if (c == '\n') {
        return line.toString();
      }
      line.append((char) c);
    }
    return null;
  }
}
