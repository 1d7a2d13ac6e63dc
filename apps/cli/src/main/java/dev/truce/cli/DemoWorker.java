package dev.truce.cli;

import dev.truce.Truce;
import dev.truce.lock.Grant;
import dev.truce.lock.NamedLock;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;

/// One process of the demo: takes paths from its standard input, puts each into the shared index,
/// and says on its standard output what it does.
///
/// ```
///   in    PATH                       one line for each file, escaped
///   out   ready                      once
///         ask                        before it wants the index
///         enter TOKEN ARRIVAL NANOS  it has it; token and arrival are 0 without the lock
///         leave NANOS                it will give it back now
///         ack                        the entry is in the index, and stays there
/// ```
public final class DemoWorker {
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final Path base;
  private final Path index;
  private final Path scratch;
  private final PrintStream out;

  private DemoWorker(Path base, Path index, PrintStream out) {
    this.base = base;
    this.index = index;
    this.out = out;
    this.scratch = index.resolveSibling(index.getFileName() + "." + ProcessHandle.current().pid());
  }

  /// Arguments: the directory that is indexed, the index, and the root if the lock is to be used.
  public static void main(String[] args) throws IOException {
    PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    DemoWorker worker = new DemoWorker(Path.of(args[0]), Path.of(args[1]), out);
    if (args.length == 2) {
      worker.work();
      return;
    }
    try (Truce truce = Truce.builder().directory(Path.of(args[2])).owner("demo").open()) {
      worker.work(truce.lock("index"), new DemoStore(truce));
    }
  }

  /// Without the lock, into a file.
  private void work() throws IOException {
    listen((path, entry) -> {
      enter(0, 0);
      DemoIndex now = DemoIndex.read(index);
      now.entries().put(path, entry);
      now.write(index, scratch);
      leave();
    });
  }

  /// With the lock, into the store.
  private void work(NamedLock lock, DemoStore store) throws IOException {
    listen((path, entry) -> {
      try (Grant grant = lock.acquire(PATIENCE)) {
        enter(grant.token(), grant.arrival());
        store.put(grant.fence(), path, entry);
        leave();
      } catch (InterruptedException nobodyDoes) {
        throw new IOException(nobodyDoes);
      }
    });
  }

  private interface Way {
    void put(String path, DemoIndex.Entry entry) throws IOException;
  }

  private void listen(Way way) throws IOException {
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    say("ready");
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      String path = DemoIndex.unescape(line);
      DemoIndex.Entry entry = DemoIndex.Entry.of(base.resolve(path));
      say("ask");
      way.put(path, entry);
      say("ack");
    }
  }

  private void enter(long token, long arrival) {
    say("enter " + token + " " + arrival + " " + System.nanoTime());
  }

  private void leave() {
    say("leave " + System.nanoTime());
  }

  private void say(String line) {
    out.println(line);
    out.flush();
  }
}
