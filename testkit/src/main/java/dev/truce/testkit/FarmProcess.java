package dev.truce.testkit;

import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/// The other end of a [Farm]: the main class of its processes.
final class FarmProcess implements Farm.Me {
  /// The system property with the bound on every wait, in milliseconds.
  static final String LIVENESS = "truce.farm.liveness";

  private static final int PLAYED_BADLY = 1;
  private static final int PARENT_GONE = 3;

  /// One line between parent and child: a verb, what it is about, and text. Fields are parted by
  /// tabs; what would break a line is escaped.
  record Line(String verb, String name, String payload) {
    String text() {
      return verb + '\t' + escaped(name) + '\t' + escaped(payload);
    }

    static Line parse(String line) {
      String[] fields = line.split("\t", 3);
      return fields.length == 3
          ? new Line(fields[0], fields[1].translateEscapes(), fields[2].translateEscapes())
          : new Line("", "", line);
    }

    private static String escaped(String text) {
      return text.replace("\\", "\\\\")
          .replace("\n", "\\n")
          .replace("\r", "\\r")
          .replace("\t", "\\t");
    }
  }

  private final String name;
  private final List<String> arguments;
  private final PrintStream out;
  private final LinkedBlockingQueue<String> messages = new LinkedBlockingQueue<>();
  private final LinkedBlockingQueue<Line> passes = new LinkedBlockingQueue<>();

  private FarmProcess(String name, List<String> arguments, PrintStream out) {
    this.name = name;
    this.arguments = arguments;
    this.out = out;
  }

  public static void main(String[] args) throws Exception {
    PrintStream out =
        new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);
    // What the role prints is for people, not for the parent.
    System.setOut(System.err);
    List<String> all = List.of(args);
    FarmProcess me = new FarmProcess(all.get(1), all.subList(2, all.size()), out);
    Thread.ofPlatform().daemon().name("farm-parent").start(me::listen);
    int code = 0;
    try {
      Class<?> role = Class.forName(all.getFirst());
      ((Farm.Role) role.getDeclaredConstructor().newInstance()).play(me);
    } catch (Throwable failure) {
      failure.printStackTrace();
      code = PLAYED_BADLY;
    }
    out.flush();
    System.exit(code);
  }

  private void listen() {
    try (BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        Line said = Line.parse(line);
        if (said.verb().equals("message")) {
          messages.add(said.payload());
        } else {
          passes.add(said);
        }
      }
    } catch (IOException e) {
      System.err.println("lost the parent: " + e);
    }
    // Nobody is there any more to play for, or to clean up after us.
    Runtime.getRuntime().halt(PARENT_GONE);
  }

  private void say(String verb, String about, String payload) {
    out.println(new Line(verb, about, payload).text());
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public List<String> arguments() {
    return arguments;
  }

  @Override
  public synchronized int arrive(String barrier) throws InterruptedException {
    say("arrive", barrier, "");
    Line answer = poll(passes, liveness());
    if (answer == null) {
      say("late", barrier, "");
      // The parent answers this, whoever else is missing.
      answer = poll(passes, Farm.LIVENESS.toMillis());
    }
    if (answer == null || !answer.verb().equals("passed")) {
      throw new AssertionError(
          answer == null ? "barrier " + barrier + " does not answer" : answer.payload());
    }
    return Integer.parseInt(answer.payload());
  }

  @Override
  public void send(String message) {
    say("message", name, message);
  }

  @Override
  public String receive() throws InterruptedException {
    String message = poll(messages, liveness());
    if (message == null) {
      throw new AssertionError("the parent says nothing to " + name);
    }
    return message;
  }

  private static long liveness() {
    return Long.getLong(LIVENESS, Farm.LIVENESS.toMillis());
  }

  private static <T> @Nullable T poll(LinkedBlockingQueue<T> queue, long millis)
      throws InterruptedException {
    return queue.poll(millis, TimeUnit.MILLISECONDS);
  }
}
