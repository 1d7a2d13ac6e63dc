package dev.truce.index;

import dev.truce.EngineException;
import dev.truce.FencedException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.TreeMap;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/// Puts files into the index by processes of their own, each of which may be killed at any moment:
/// what it had said is in the index and stays there, what it had begun another one does again.
///
/// One thread decides, on what the processes say.
final class Add implements AutoCloseable {
  /// Of one commit.
  private static final int FILES = 64;

  /// Of their paths. So a batch has room in a pipe, and who gives it never waits for a writer that
  /// was stopped.
  private static final int LETTERS = 8 << 10;

  /// So many processes in a row may end before they were ready.
  private static final int STILLBORN = 3;

  private static final long LOOK_MILLIS = 200;
  private static final long END_SECONDS = 5;

  /// What is to be done.
  ///
  /// @param owner whose the commits are
  /// @param tokens that they rest on, `TOKEN:LOCK` each
  /// @param files as [Tree#path] has them
  /// @param patience after which a batch is also given to another writer, if that has nothing to do
  record Plan(
      Path root,
      String framework,
      String owner,
      List<String> tokens,
      List<String> files,
      boolean replace,
      int writers,
      Duration patience) {}

  /// What was done.
  ///
  /// @param same what the index said before, or a writer had put there before it was killed
  /// @param refused why, for each that was
  /// @param invalid what is wrong with what the sidecar says, by file
  /// @param unread why, by file
  /// @param ended how many writers ended before their work did
  record Result(
      int written,
      int same,
      List<String> refused,
      Map<String, String> invalid,
      Map<String, String> unread,
      int ended) {}

  private static final class Worker {
    private final int number;
    private final Process process;
    private boolean ready;
    private boolean idle;

    private Worker(int number, Process process) {
      this.number = number;
      this.process = process;
    }
  }

  private record Said(Worker worker, @Nullable String line) {}

  private final Plan plan;
  private final Progress progress;
  private final PrintStream err;
  private final List<List<String>> batches;
  private final Deal deal;
  private final BlockingQueue<Said> said = new LinkedBlockingQueue<>();
  private final List<Worker> workers = new ArrayList<>();

  private final List<String> refused = new ArrayList<>();
  private final Map<String, String> invalid = new TreeMap<>();
  private final Map<String, String> unread = new TreeMap<>();
  private int written;
  private int same;
  private int started;
  private int ended;
  private int stillborn;

  Add(Plan plan, Progress progress, PrintStream err) {
    this.plan = plan;
    this.progress = progress;
    this.err = err;
    this.batches = batches(plan.files());
    this.deal = new Deal(batches.size(), plan.patience().toNanos());
  }

  private static List<List<String>> batches(List<String> files) {
    List<List<String>> batches = new ArrayList<>();
    List<String> batch = new ArrayList<>();
    int letters = 0;
    for (String file : files) {
      if (batch.size() == FILES || (!batch.isEmpty() && letters + file.length() > LETTERS)) {
        batches.add(List.copyOf(batch));
        batch.clear();
        letters = 0;
      }
      batch.add(file);
      letters += file.length();
    }
    if (!batch.isEmpty()) {
      batches.add(List.copyOf(batch));
    }
    return batches;
  }

  /// @throws EngineException if the root cannot be written to; what was said to be done is there
  Result run() throws IOException, InterruptedException {
    for (int i = 0; i < Math.min(plan.writers(), batches.size()); i++) {
      start();
    }
    while (!deal.isDone()) {
      Said next = said.poll(LOOK_MILLIS, TimeUnit.MILLISECONDS);
      if (next == null) {
        for (Worker worker : workers) {
          give(worker);
        }
      } else {
        hear(next.worker(), next.line());
      }
    }
    return new Result(written, same, refused, invalid, unread, ended);
  }

  // ---- what the writers say

  private void hear(Worker worker, @Nullable String line) throws IOException {
    if (line == null) {
      bury(worker);
      return;
    }
    if (!line.equals(Writer.READY)) {
      take(worker, Json.MAPPER.readValue(line, Batch.Done.class));
    }
    stillborn = 0;
    worker.ready = true;
    worker.idle = true;
    give(worker);
  }

  private void take(Worker worker, Batch.Done done) {
    if (done.failed() != null) {
      throw done.failed().equals(Batch.Done.FENCED)
          ? new FencedException(
              Catalog.fence(plan.tokens()), text(done.message()) + "; what is indexed stays so")
          : new EngineException(EngineException.Kind.valueOf(done.failed()), text(done.message()));
    }
    if (deal.done(worker.number)) {
      written += done.written();
      same += done.same();
      refused.addAll(done.refused());
      invalid.putAll(done.invalid());
      unread.putAll(done.unread());
      // Of a file that is in the index the sidecar may be unread.
      int told = written + same + refused.size() + invalid.size() + unread.size();
      progress.at(Math.min(told, plan.files().size()));
    }
  }

  private static String text(@Nullable String message) {
    return message == null ? "a writer failed" : message;
  }

  private void give(Worker worker) {
    if (!worker.idle) {
      return;
    }
    OptionalInt next = deal.next(worker.number, System.nanoTime());
    if (next.isEmpty()) {
      return;
    }
    worker.idle = false;
    String line =
        Json.MAPPER.writeValueAsString(new Batch(batches.get(next.getAsInt()), plan.replace()));
    try {
      OutputStream in = worker.process.getOutputStream();
      in.write((line + '\n').getBytes(StandardCharsets.UTF_8));
      in.flush();
    } catch (IOException gone) {
      // Whoever listens to it hears that it is gone, and so does this.
    }
  }

  /// A writer is no more, and another one takes its place.
  private void bury(Worker worker) throws IOException {
    workers.remove(worker);
    stillborn += worker.ready ? 0 : 1;
    if (stillborn > STILLBORN) {
      throw new IOException("the writers end before they are ready; see above");
    }
    ended++;
    OptionalInt left = deal.gone(worker.number);
    if (left.isPresent()) {
      List<String> files = batches.get(left.getAsInt());
      if (deal.isHopeless(left.getAsInt())) {
        throw new IOException(
            Deal.DEATHS
                + " writers ended over the same files, the first of which is "
                + files.getFirst());
      }
      note(worker, "; its " + files.size() + " files are dealt again");
    } else {
      note(worker, " and leaves nothing undone");
    }
    start();
  }

  private void note(Worker worker, String what) {
    progress.clear();
    err.println("truce: writer " + worker.process.pid() + " ended before its work did" + what);
    err.flush();
  }

  // ---- starting and ending

  private void start() throws IOException {
    List<String> command = new ArrayList<>(JVM);
    command.add(Writer.class.getName());
    command.add(plan.root().toString());
    command.add(plan.framework());
    command.add(plan.owner());
    command.addAll(plan.tokens());
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    Worker worker = new Worker(++started, process);
    workers.add(worker);
    Thread.ofPlatform().daemon().start(() -> listen(worker));
  }

  /// A JVM with the classes of this one, which compiles what it does often: it computes sums.
  private static final List<String> JVM =
      List.of(
          Path.of(System.getProperty("java.home"), "bin", "java").toString(),
          "-XX:+UseSerialGC",
          "-XX:-UsePerfData",
          "--enable-native-access=ALL-UNNAMED",
          "-cp",
          System.getProperty("java.class.path"));

  private void listen(Worker worker) {
    try (BufferedReader out = worker.process.inputReader(StandardCharsets.UTF_8)) {
      for (String line = out.readLine(); line != null; line = out.readLine()) {
        said.add(new Said(worker, line));
      }
    } catch (IOException broken) {
      // A pipe that breaks says what its end says: the process is gone.
    }
    said.add(new Said(worker, null));
  }

  /// Lets the writers end, and sees to it that they do.
  @Override
  public void close() {
    progress.clear();
    for (Worker worker : workers) {
      try {
        worker.process.getOutputStream().close();
      } catch (IOException gone) {
        // It is to end, and it did.
      }
    }
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(END_SECONDS);
    for (Worker worker : workers) {
      await(worker.process, end);
    }
  }

  /// Ends it if it does not end by itself: whatever it does by now somebody else has done.
  private static void await(Process process, long end) {
    boolean interrupted = Thread.interrupted();
    try {
      if (interrupted || !process.waitFor(end - System.nanoTime(), TimeUnit.NANOSECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException hurry) {
      interrupted = true;
      process.destroyForcibly();
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
