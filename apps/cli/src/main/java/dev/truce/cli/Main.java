package dev.truce.cli;

import java.util.List;

/// Where the launcher enters for every verb but `run`, which is [Keeper]'s. Only these two end the
/// process.
public final class Main {
  private Main() {}

  /// Runs one command and exits with its status.
  public static void main(String[] args) {
    Console console = Console.system();
    int status = run(console, List.of(args));
    console.out().flush();
    if (console.out().checkError() && status == 0) {
      status = Failure.IO;
    }
    Runtime.getRuntime().halt(status);
  }

  /// Runs one command and answers with its exit status.
  static int run(Console console, List<String> args) {
    try {
      return dispatch(console, args);
    } catch (RuntimeException | Error thrown) {
      Failure failure = Failure.of(thrown);
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
    String word = args.getFirst();
    List<String> rest = args.subList(1, args.size());
    Verb verb = Verb.of(word);
    if (verb == null) {
      return switch (word) {
        case "-h", "--help" -> Help.front(console);
        case "-V", "version" -> version(console, rest);
        default -> throw Mistakes.unknown(word, rest);
      };
    }
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
      case REVOKE -> Revoke.run(Options.parse(verb, rest), console);
      case LS -> Ls.run(Options.parse(verb, rest), console);
      case WHY -> Why.run(Options.parse(verb, rest), console);
      case INIT -> Init.run(Options.parse(verb, rest), console);
      case DOCTOR -> Doctor.run(Options.parse(verb, rest), console);
      case COMPLETIONS -> Completions.run(Options.parse(verb, rest), console);
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
    int end = args.indexOf("--");
    return args.subList(0, end < 0 ? args.size() : end).contains("--json");
  }
}
