package dev.truce.benchmarks;

import dev.truce.Truce;
import dev.truce.lock.Grant;
import dev.truce.lock.NamedLock;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.locks.LockSupport;

/// One of several processes that want the same lock. It does what it is told, line by line:
///
/// | line | what it does | answer |
/// |---|---|---|
/// | `lock KIND START END` | acquires and releases from START to END, `nanoTime` | `done COUNT HANDOVERS` |
/// | `futex RANK START END` | takes turns with the worker of the other rank | `done TURNS TURNS` |
/// | `take KIND` | acquires, and keeps it until it is killed | `waiting`, then `got NANOTIME` |
///
/// KIND is `truce` or `kernel`.
final class Worker {
  private static final Duration WAIT = Duration.ofMinutes(1);

  /// The turn that nobody has.
  private static final int OVER = 2;

  private final Path place;
  private final SharedPage page;
  private final long me = ProcessHandle.current().pid();

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
    boolean truce = words[1].equals("truce");
    switch (words[0]) {
      case "lock" -> {
        long start = Long.parseLong(words[2]);
        long end = Long.parseLong(words[3]);
        awaitStart(start);
        say("done " + (truce ? under(lock, end) : under(channel, end)));
      }
      case "futex" -> {
        awaitStart(Long.parseLong(words[2]));
        long turns = takeTurns(Integer.parseInt(words[1]), Long.parseLong(words[3]));
        say("done " + turns + " " + turns);
      }
      case "take" -> {
        say("waiting");
        Object taken = truce ? lock.acquire(WAIT) : channel.lock();
        say("got " + System.nanoTime());
        LockSupport.park(taken);
      }
      default -> throw new IllegalArgumentException(words[0]);
    }
  }

  private static void awaitStart(long start) {
    for (long left = start - System.nanoTime(); left > 0; left = start - System.nanoTime()) {
      LockSupport.parkNanos(left);
    }
  }

  private String under(NamedLock lock, long end) throws InterruptedException {
    long count = 0;
    long handOvers = 0;
    while (System.nanoTime() < end) {
      try (Grant _ = lock.acquire(WAIT)) {
        count++;
        handOvers += page.count(me) ? 1 : 0;
      }
    }
    return count + " " + handOvers;
  }

  private String under(FileChannel channel, long end) throws IOException {
    long count = 0;
    long handOvers = 0;
    while (System.nanoTime() < end) {
      try (FileLock _ = channel.lock()) {
        count++;
        handOvers += page.count(me) ? 1 : 0;
      }
    }
    return count + " " + handOvers;
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
