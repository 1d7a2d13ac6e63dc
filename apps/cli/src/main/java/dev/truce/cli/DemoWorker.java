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
import org.jspecify.annotations.Nullable;

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
  public static void main(String[] args) throws IOException, InterruptedException {
    PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    DemoWorker worker = new DemoWorker(Path.of(args[0]), Path.of(args[1]), out);
    if (args.length == 2) {
      worker.work(null);
      return;
    }
    try (Truce truce = Truce.builder().directory(Path.of(args[2])).owner("demo").open()) {
      worker.work(truce.lock("index"));
    }
  }

  private void work(@Nullable NamedLock lock) throws IOException, InterruptedException {
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    say("ready");
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      String path = DemoIndex.unescape(line);
      DemoIndex.Entry entry = DemoIndex.Entry.of(base.resolve(path));
      say("ask");
      if (lock == null) {
        add(path, entry, 0, 0);
      } else {
        try (Grant grant = lock.acquire(PATIENCE)) {
          add(path, entry, grant.token(), grant.arrival());
        }
      }
      say("ack");
    }
  }

  private void add(String path, DemoIndex.Entry entry, long token, long arrival)
      throws IOException {
    say("enter " + token + " " + arrival + " " + System.nanoTime());
    DemoIndex now = DemoIndex.read(index);
    now.entries().put(path, entry);
    now.write(index, scratch);
    say("leave " + System.nanoTime());
  }

  private void say(String line) {
    out.println(line);
    out.flush();
  }
}
