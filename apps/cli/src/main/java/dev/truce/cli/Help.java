package dev.truce.cli;

import java.util.List;

/// `truce`, `truce help`, `truce help VERB`.
final class Help {
  private Help() {}

  static int run(Options options, Console console) {
    List<String> operands = options.operands();
    if (operands.isEmpty()) {
      return options.has("all") ? all(console) : front(console);
    }
    if (operands.size() > 1) {
      throw Failure.usage(Verb.HELP, "one VERB at a time");
    }
    Verb verb = Verb.of(operands.getFirst());
    if (verb == null) {
      throw Mistakes.unknown(operands.getFirst(), List.of());
    }
    return of(verb, console);
  }

  /// What is needed every day.
  static int front(Console console) {
    console.print("truce: locks for many writers. One holds, the others wait in order.");
    console.print("");
    group(Verb.Group.HOLD, console);
    group(Verb.Group.LOOK, console);
    console.print("");
    console.print("truce help VERB explains one, truce help --all lists the rest");
    return 0;
  }

  private static int all(Console console) {
    for (Verb.Group group : Verb.Group.values()) {
      group(group, console);
    }
    console.print("");
    console.print("Durations: 250ms 5s 2m 1h 1d; a number alone is seconds; 0 does not wait.");
    console.print(
        "The root: --dir D or --engine URI, else TRUCE_DIR or TRUCE_ENGINE, else .truce in");
    console.print("the nearest ancestor directory.");
    console.print("");
    console.print(
        "Status: 0 yes, done   64 usage   65 damaged   69 unreachable   73 place refused");
    console.print("  74 disk full or I/O error   75 not acquired: waiting helps");
    console.print("  76 the world moved on: repeating does not help   77 not permitted");
    console.print("  78 no root, newer format, bad configuration   79 outcome unknown: repeat it");
    console.print("run: that of the command (128+N after signal N)   123 lock lost, stopped");
    console.print("  124 --max-hold reached, stopped   125 truce failed after the command began");
    console.print("  126 not executable   127 not found   130 interrupted while waiting");
    return 0;
  }

  private static void group(Verb.Group group, Console console) {
    for (Verb verb : Verb.in(group)) {
      console.print("  " + pad(verb.word(), 13) + verb.summary());
    }
  }

  /// One verb: usage, what it does, its flags.
  static int of(Verb verb, Console console) {
    console.print(verb.usage());
    console.print(verb.summary());
    if (!verb.flags().isEmpty()) {
      console.print("");
    }
    for (Flag flag : verb.flags()) {
      String letter = flag.letter() == 0 ? "    " : "-" + flag.letter() + ", ";
      String value = flag.takesValue() ? " " + flag.value() : "";
      console.print("  " + pad(letter + "--" + flag.name() + value, 31) + flag.help());
    }
    String example = example(verb);
    if (!example.isEmpty()) {
      console.print("");
      console.print("  " + example);
    }
    return 0;
  }

  private static String example(Verb verb) {
    return switch (verb) {
      case RUN -> "truce run deploy -w 10m -- ./deploy.sh";
      case ACQUIRE ->
          "eval \"$(truce acquire build --ttl 10m --env)\" && trap 'truce release' EXIT";
      case RENEW -> "truce renew --ttl 20m";
      case RELEASE -> "printf %s \"$lease\" | truce release -";
      case CHECK -> "truce check --lease || exit 1";
      case TOP -> "truce top --interval 5s";
      case STATS -> "truce stats build --since 10m";
      case HISTORY -> "truce history build --since 2h";
      case VERIFY -> "truce verify || truce verify --salvage /backup/saved";
      case BACKUP -> "truce backup /backup/app-$(date +%F)";
      case RESTORE -> "truce restore /backup/app-2026-01-05 --dir /srv/app/.truce";
      case REVOKE -> "truce revoke build --reason 'its holder hangs'";
      default -> "";
    };
  }

  private static String pad(String text, int width) {
    return text + " ".repeat(Math.max(1, width - text.length()));
  }
}
