package dev.truce.benchmarks;

import dev.truce.Truce;
import dev.truce.lock.NamedLock;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/// One of several processes that want the same lock. It does what it is told, line by line:
///
/// | line | what it does | answer |
/// |---|---|---|
/// | `lock KIND START END` | acquires and releases from START to END, `nanoTime` | `done COUNT` |
/// | `hand KIND START END RANK` | takes turns with the other rank, through the lock | `done COUNT NANOS...` |
/// | `futex KIND START END RANK` | takes turns with the other rank, through a futex | `done COUNT` |
/// | `take KIND` | acquires, and keeps it until it is killed | `waiting`, then `got NANOTIME` |
///
/// KIND is `truce`, `kernel` or `flock`. NANOS are those from the release before to each grant.
final class Worker {
  private static final Duration WAIT = Duration.ofMinutes(1);

  /// The turn that nobody has.
  private static final int OVER = 2;

  /// How often a holder looks whether the other waits, and how long the other has to fall asleep.
  private static final long LOOK_NANOS = 20_000;

  private static final long ASLEEP_NANOS = 1_000_000;

  private final Path place;
  private final SharedPage page;
  private @Nullable Flock flock;

  private Worker(Path place) throws IOException {
    this.place = place;
    this.page = SharedPage.open(place);
  }

  /// Argument: the place.
  public static void main(String[] args) throws Exception {
    BlockingQueue<String> told = new LinkedBlockingQueue<>();
    Thread.ofPlatform().daemon().name("ear").start(() -> listen(told));
    Worker worker = new Worker(Path.of(args[0]));
    try (Truce truce = Truce.open(Workshop.root(worker.place));
        FileChannel channel =
            FileChannel.open(
                Workshop.lockFile(worker.place),
                StandardOpenOption.READ,
                StandardOpenOption.WRITE)) {
      say("ready");
      while (true) {
        worker.obey(told.take().split(" ", -1), truce.lock("bench"), channel);
      }
    }
  }

  /// Ends the process with its parent.
  private static void listen(BlockingQueue<String> told) {
    try (BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        told.add(line);
      }
    } catch (IOException gone) {
      // as at its end
    }
    Runtime.getRuntime().halt(0);
  }

  private static void say(String line) {
    System.out.println(line);
    System.out.flush();
  }

  private void obey(String[] words, NamedLock lock, FileChannel channel) throws Exception {
    Peer peer =
        switch (words[1]) {
          case "truce" -> () -> lock.acquire(WAIT);
          case "flock" -> flock()::acquire;
          default -> channel::lock;
        };
    if (words[0].equals("take")) {
      say("waiting");
      AutoCloseable taken = peer.acquire();
      say("got " + System.nanoTime());
      LockSupport.park(taken);
      return;
    }
    awaitStart(Long.parseLong(words[2]));
    long end = Long.parseLong(words[3]);
    String done =
        switch (words[0]) {
          case "lock" -> contend(peer, end);
          case "hand" -> handOver(peer, Integer.parseInt(words[4]), end);
          case "futex" -> String.valueOf(takeTurns(Integer.parseInt(words[4]), end));
          default -> throw new IllegalArgumentException(words[0]);
        };
    say("done " + done);
  }

  /// What is wanted.
  private interface Peer {
    AutoCloseable acquire() throws Exception;
  }

  private Flock flock() throws IOException {
    if (flock == null) {
      flock = Flock.of(Workshop.lockFile(place));
    }
    return flock;
  }

  private static void awaitStart(long start) {
    for (long left = start - System.nanoTime(); left > 0; left = start - System.nanoTime()) {
      LockSupport.parkNanos(left);
    }
  }

  private String contend(Peer peer, long end) throws Exception {
    long count = 0;
    // Once at least: one that is told late begins behind the end.
    do {
      try (AutoCloseable _ = peer.acquire()) {
        page.count();
        count++;
      }
    } while (System.nanoTime() < end);
    return String.valueOf(count);
  }

  /// Gives the lock up only when the other sleeps, waiting for it; so every grant but the first is
  /// a hand-over, whatever else the machine does.
  private String handOver(Peer peer, int rank, long end) throws Exception {
    long count = 0;
    StringBuilder taken = new StringBuilder();
    long now = 0;
    while (now < end) {
      page.waits(rank, true);
      try (AutoCloseable _ = peer.acquire()) {
        now = System.nanoTime();
        page.waits(rank, false);
        page.count();
        count++;
        if (page.released() != 0) {
          taken.append(' ').append(now - page.released());
        }
        while (now < end && !page.waits(1 - rank)) {
          LockSupport.parkNanos(LOOK_NANOS);
          now = System.nanoTime();
        }
        LockSupport.parkNanos(ASLEEP_NANOS);
        page.released(page.waits(1 - rank) ? System.nanoTime() : 0);
      }
    }
    return count + taken.toString();
  }

  /// Both ranks: sleep until it is this one's turn, then wake the other.
  private long takeTurns(int rank, long end) {
    MemorySegment word = page.futex();
    int other = 1 - rank;
    long turns = 0;
    while (true) {
      for (int turn = page.turn(); turn != rank; turn = page.turn()) {
        if (turn == OVER) {
          return turns;
        }
        Futex.await(word, turn);
      }
      turns++;
      boolean over = System.nanoTime() >= end;
      page.turn(over ? OVER : other);
      Futex.wake(word);
      if (over) {
        return turns;
      }
    }
  }
}
