package dev.truce.cli;

import dev.truce.cli.Part.Paragraph;
import dev.truce.cli.Part.Sample;
import dev.truce.cli.Part.Term;
import dev.truce.cli.Part.Terms;
import dev.truce.cli.Part.Title;
import dev.truce.cli.Part.Usage;
import java.util.ArrayList;
import java.util.List;

/// `truce`, `truce help`, `truce help VERB`: all that is said of the command, of which [Manual]
/// makes the manual page.
final class Help {
  static final Paragraph WHAT =
      new Paragraph("truce: locks for many writers. One holds, the others wait in order.");

  private static final Paragraph MORE =
      new Paragraph("truce help VERB explains one, truce help --all lists the rest");

  private static final int WORDS = 13;
  private static final int FLAGS = 31;
  private static final int STATUSES = 11;
  private static final int VARIABLES = 16;

  private Help() {}

  static int run(Options options, Console console) {
    List<String> operands = options.operands();
    if (options.has("man")) {
      if (!operands.isEmpty() || options.has("all")) {
        throw Failure.usage(Verb.HELP, "--man is the page of all verbs, and stands alone");
      }
      console.out().print(Manual.page());
      return 0;
    }
    if (operands.isEmpty()) {
      return options.has("all") ? all(console) : front(console);
    }
    Verb verb = Verb.leading(operands);
    if (verb == null) {
      return several(operands, console);
    }
    if (operands.size() > verb.words()) {
      throw Failure.usage(Verb.HELP, "one VERB at a time");
    }
    return of(verb, console);
  }

  /// The verbs that begin with these words, where that is all that a call says.
  ///
  /// @throws Failure if there is none, or it says more
  static int several(List<String> call, Console console) {
    boolean asked = call.size() > 1 && List.of("-h", "--help").contains(call.getLast());
    List<String> words = asked ? call.subList(0, call.size() - 1) : call;
    List<Verb> verbs = Verb.behind(String.join(" ", words));
    if (verbs.isEmpty()) {
      throw Mistakes.unknown(call);
    }
    show(console, List.of(verbs(verbs), MORE));
    return 0;
  }

  /// What is needed every day.
  static int front(Console console) {
    show(
        console,
        List.of(WHAT, groups(List.of(Verb.Group.HOLD, Verb.Group.LOOK, Verb.Group.STORE)), MORE));
    return 0;
  }

  private static int all(Console console) {
    List<Part> parts = new ArrayList<>();
    parts.add(groups(List.of(Verb.Group.values())));
    parts.addAll(everywhere());
    show(console, parts);
    return 0;
  }

  /// One verb: usage, what it does, its flags.
  static int of(Verb verb, Console console) {
    show(console, parts(verb));
    return 0;
  }

  private static Terms groups(List<Verb.Group> groups) {
    List<Verb> verbs = new ArrayList<>();
    for (Verb.Group group : groups) {
      verbs.addAll(Verb.in(group));
    }
    return verbs(verbs);
  }

  private static Terms verbs(List<Verb> verbs) {
    List<Term> terms = new ArrayList<>();
    int width = WORDS;
    for (Verb verb : verbs) {
      terms.add(new Term(verb.word(), verb.summary()));
      width = Math.max(width, verb.word().length() + 2);
    }
    return new Terms(width, terms);
  }

  /// All that is said of a verb.
  static List<Part> parts(Verb verb) {
    List<Part> parts = new ArrayList<>();
    parts.add(new Usage(verb.usage()));
    parts.add(new Paragraph(verb.summary()));
    List<Term> terms = new ArrayList<>();
    for (Flag flag : verb.flags()) {
      String letter = flag.letter() == 0 ? "    " : "-" + flag.letter() + ", ";
      String value = flag.takesValue() ? " " + flag.value() : "";
      terms.add(new Term(letter + "--" + flag.name() + value, flag.help()));
    }
    if (!terms.isEmpty()) {
      parts.add(new Terms(FLAGS, terms));
    }
    String example = example(verb);
    if (!example.isEmpty()) {
      parts.add(new Sample(example));
    }
    return parts;
  }

  /// What is the same for every verb.
  static List<Part> everywhere() {
    return List.of(
        new Title("Durations"),
        new Paragraph("250ms 5s 2m 1h 1d; a number alone is seconds; 0 does not wait."),
        new Title("The root"),
        new Paragraph(
            "--dir D or --engine URI, else TRUCE_DIR or TRUCE_ENGINE, else .truce in the",
            "nearest ancestor directory."),
        new Title("Status"),
        new Terms(
            STATUSES,
            List.of(
                new Term("0", "yes, done; run: the status of the command, 128+N after signal N"),
                new Term(
                    "1",
                    "verify, doctor: something is wanting; store get: no such key; store diff: differs"),
                new Term("64", "usage"),
                new Term("65", "damaged data"),
                new Term("69", "unreachable"),
                new Term("70", "a defect of truce, or the JVM could not start"),
                new Term("73", "place refused"),
                new Term("74", "disk full or I/O error"),
                new Term("75", "not acquired: waiting helps"),
                new Term("76", "the world moved on: repeating does not help"),
                new Term("77", "not permitted"),
                new Term("78", "no root, newer format, bad configuration"),
                new Term("79", "outcome unknown: repeat it"),
                new Term("123", "run: lock lost, command stopped"),
                new Term("124", "run: --max-hold reached, command stopped"),
                new Term("125", "run: truce failed after the command began"),
                new Term("126", "run: command not executable"),
                new Term("127", "run: command not found"),
                new Term("130", "run: interrupted while waiting, claim given back"))),
        new Title("Environment"),
        new Terms(
            VARIABLES,
            List.of(
                new Term("TRUCE_DIR", "the root, as --dir; set for the command of run"),
                new Term("TRUCE_ENGINE", "the same as --engine"),
                new Term("TRUCE_OWNER", "who, as --owner; set for the command of run"),
                new Term("TRUCE_LEASE", "the lease of renew, release and check --lease"),
                new Term("TRUCE_LOCK", "the lock of check; set for the command of run"),
                new Term("TRUCE_TOKEN", "the token of check; set for the command of run"),
                new Term(
                    "TRUCE_GRANTS",
                    "set for the command of run: all locks that it is under, as JSON"),
                new Term(
                    "TRUCE_LEASE_ID", "set for the command of run: which run it is part of"))));
  }

  private static void show(Console console, List<Part> parts) {
    boolean first = true;
    Part before = null;
    for (Part part : parts) {
      boolean joined = before instanceof Usage || before instanceof Title;
      if (!first && !joined) {
        console.print("");
      }
      first = false;
      before = part;
      switch (part) {
        case Title title -> console.print(title.text() + ":");
        case Usage usage -> console.print(usage.line());
        case Paragraph paragraph -> paragraph.lines().forEach(console::print);
        case Terms terms -> terms.terms().forEach(term -> show(console, terms.width(), term));
        case Sample sample -> console.print("  " + sample.line());
      }
    }
  }

  private static void show(Console console, int width, Term term) {
    String gap = " ".repeat(Math.max(1, width - term.term().length()));
    console.print("  " + term.term() + gap + term.meaning());
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
      case STORE_PUT -> "printf on | truce store put flags dark-mode - --if-revision 41";
      case STORE_GET -> "truce store get flags dark-mode || echo 'not set'";
      case STORE_RM -> "truce store rm flags dark-mode";
      case STORE_LS -> "truce store ls flags dark- --keys";
      case STORE_LOG -> "truce store log flags dark-mode --since 1h";
      case STORE_DIFF -> "truce store diff flags 41";
      case STORE_WATCH -> "truce store watch flags dark- --json | while read -r line; do :; done";
      case STORE_STATS -> "truce store stats --json";
      case STORE_COMMIT ->
          "echo '{\"op\":\"put\",\"key\":\"a\",\"value\":1,\"if_revision\":0}' | truce store commit s";
      case STORE_CONFLICT_RESOLVE -> "truce store conflict resolve ID --take theirs";
      case STORE_IMPORT -> "truce store import words /usr/share/dict/words --lines";
      case STORE_EXPORT -> "truce store export flags --tsv > flags.tsv";
      case HISTORY -> "truce history build --since 2h";
      case VERIFY -> "truce verify || truce verify --salvage /backup/saved";
      case BACKUP -> "truce backup /backup/app-$(date +%F)";
      case RESTORE -> "truce restore /backup/app-2026-01-05 --dir /srv/app/.truce";
      case REVOKE -> "truce revoke build --reason 'its holder hangs'";
      case INDEX_ADD -> "truce index add docs lib --writers 8 && truce index verify";
      case INDEX_BACKFILL -> "truce index backfill docs --dry-run";
      case INDEX_EXPORT -> "truce index export artifacts_index.json";
      case COMPLETIONS -> "source <(truce completions bash)";
      case HELP -> "truce help --man | man -l -";
      default -> "";
    };
  }
}
