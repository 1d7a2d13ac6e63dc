package dev.truce.cli;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Where the launcher enters for every verb but `run`, which is [Keeper]'s. Only these two end the
/// process.
public final class Main {
  private static final int PIPE = 128 + 13;

  private Main() {}

  /// Runs one command and exits with its status.
  public static void main(String[] args) {
    Answer answer = new Answer();
    Console console = Console.system(new PrintStream(answer, false, StandardCharsets.UTF_8));
    if (Acquire.isEvaluated(List.of(args))) {
      Runtime.getRuntime().addShutdownHook(new Thread(() -> stopped(console), "truce-stopped"));
    }
    int status = run(console, List.of(args));
    console.out().flush();
    IOException failure = answer.failure;
    if (failure != null && status == 0) {
      status = unsaid(failure, console);
    }
    Runtime.getRuntime().halt(status);
  }

  /// A signal has ended the command: whatever ends by itself is halted, which runs no hook.
  private static void stopped(Console console) {
    console.print(Acquire.NO_LEASE);
    console.out().flush();
  }

  /// Who stops reading is no failure: the status is that of a program that SIGPIPE ends.
  private static int unsaid(IOException failure, Console console) {
    if (String.valueOf(failure.getMessage()).contains("Broken pipe")) {
      return PIPE;
    }
    console.error("truce: the answer could not be written: " + failure.getMessage());
    return Failure.IO;
  }

  /// The standard output, which remembers why it could not be written: a `PrintStream` does not.
  private static final class Answer extends OutputStream {
    private final FileOutputStream out = new FileOutputStream(FileDescriptor.out);
    private @Nullable IOException failure;

    @Override
    public void write(int b) throws IOException {
      write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int from, int length) throws IOException {
      try {
        out.write(bytes, from, length);
      } catch (IOException thrown) {
        failure = thrown;
        throw thrown;
      }
    }
  }

  /// Runs one command and answers with its exit status.
  static int run(Console console, List<String> args) {
    try {
      return dispatch(console, args);
    } catch (RuntimeException | Error thrown) {
      Failure failure = Failure.of(thrown);
      if (Acquire.isEvaluated(args)) {
        console.print(Acquire.NO_LEASE);
      }
      if (wantsJson(args)) {
        console.print(failure.json());
      } else {
        failure.report(console);
      }
      return failure.status();
    }
  }

  private static int dispatch(Console console, List<String> args) {
    if (args.isEmpty()) {
      return Help.front(console);
    }
    Verb verb = Verb.leading(args);
    if (verb == null) {
      String word = args.getFirst();
      List<String> rest = args.subList(1, args.size());
      return switch (word) {
        case "-h", "--help" -> Help.front(console);
        case "-V", "version" -> version(console, rest);
        default -> Help.several(args, console);
      };
    }
    List<String> rest = args.subList(verb.words(), args.size());
    if (verb != Verb.HELP && asksForHelp(rest)) {
      return Help.of(verb, console);
    }
    return switch (verb) {
      case VERSION -> version(console, rest);
      case HELP -> Help.run(Options.parse(verb, rest), console);
      case ACQUIRE -> Acquire.run(Options.parse(verb, rest), console);
      case RENEW -> Leases.renew(Options.parse(verb, rest), console);
      case RELEASE -> Leases.release(Options.parse(verb, rest), console);
      case CHECK -> Check.run(Options.parse(verb, rest), console);
      case HISTORY -> Past.run(Options.parse(verb, rest), console);
      case VERIFY -> Verify.run(Options.parse(verb, rest), console);
      case BACKUP -> Backups.take(Options.parse(verb, rest), console);
      case RESTORE -> Backups.restore(Options.parse(verb, rest), console);
      case REVOKE -> Revoke.run(Options.parse(verb, rest), console);
      case LS -> Ls.run(Options.parse(verb, rest), console);
      case TOP -> Top.run(Options.parse(verb, rest), console);
      case STATS -> Stats.run(Options.parse(verb, rest), console);
      case WHY -> Why.run(Options.parse(verb, rest), console);
      case INIT -> Init.run(Options.parse(verb, rest), console);
      case DOCTOR -> Doctor.run(Options.parse(verb, rest), console);
      case STORE_PUT -> StorePut.put(Options.parse(verb, rest), console);
      case STORE_GET -> StoreGet.run(Options.parse(verb, rest), console);
      case STORE_RM -> StorePut.remove(Options.parse(verb, rest), console);
      case STORE_LS -> StoreLs.run(Options.parse(verb, rest), console);
      case STORE_LOG -> StoreLog.log(Options.parse(verb, rest), console);
      case STORE_DIFF -> StoreLog.diff(Options.parse(verb, rest), console);
      case STORE_WATCH -> StoreFlow.run(Options.parse(verb, rest), console);
      case STORE_STATS -> StoreStats.run(Options.parse(verb, rest), console);
      case STORE_COMMIT -> StoreBatch.run(Options.parse(verb, rest), console);
      case STORE_IMPORT -> StoreFiles.imports(Options.parse(verb, rest), console);
      case STORE_EXPORT -> StoreFiles.exports(Options.parse(verb, rest), console);
      case STORE_CONFLICT_LS -> Conflicts.list(Options.parse(verb, rest), console);
      case STORE_CONFLICT_SHOW -> Conflicts.show(Options.parse(verb, rest), console);
      case STORE_CONFLICT_RESOLVE -> Conflicts.resolve(Options.parse(verb, rest), console);
      case COMPLETIONS -> Completions.run(Options.parse(verb, rest), console);
      case INDEX_ADD,
          INDEX_LS,
          INDEX_SHOW,
          INDEX_RM,
          INDEX_VERIFY,
          INDEX_REBUILD,
          INDEX_BACKFILL,
          INDEX_IMPORT,
          INDEX_EXPORT ->
          Indexing.run(Options.parse(verb, rest), console);
      case DEMO -> Demo.run(Options.parse(verb, rest), console);
      // This one takes its own arguments apart.
      case BENCH -> Elsewhere.run("dev.truce.benchmarks.Bench", rest, console);
      case RUN -> throw Failure.configuration("run begins in the launcher: call ./truce run");
    };
  }

  private static int version(Console console, List<String> rest) {
    if (!rest.isEmpty()) {
      throw Failure.usage(Verb.VERSION, "--version stands alone");
    }
    console.print("truce " + Version.TEXT);
    return 0;
  }

  private static boolean asksForHelp(List<String> rest) {
    for (String argument : rest) {
      if (argument.equals("--")) {
        return false;
      }
      if (argument.equals("--help") || argument.equals("-h")) {
        return true;
      }
    }
    return false;
  }

  /// Whether `--json` was given, for calls that could not even be taken apart.
  static boolean wantsJson(List<String> args) {
    return isGiven("--json", args);
  }

  /// Whether this flag stands among them.
  static boolean isGiven(String flag, List<String> args) {
    int end = args.indexOf("--");
    return args.subList(0, end < 0 ? args.size() : end).contains(flag);
  }
}
