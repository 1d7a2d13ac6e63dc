package dev.truce.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/// Every verb with its flags: what the parser, the help and the completions go by.
enum Verb {
  RUN(
      Group.HOLD,
      "[NAME]... [--read NAME]... [--permit NAME:LIMIT]... [-n | -w DUR] [FLAG]... -- CMD [ARG]...",
      "run a command while holding locks",
      Flag.valued('\0', "lock", "NAME", "a lock to hold for writing; the same as the operand"),
      Flag.valued('\0', "read", "NAME", "a lock to hold for reading, beside other readers"),
      Flag.valued('\0', "permit", "NAME:LIMIT", "one of LIMIT permits, in place of a lock"),
      Flag.plain('s', "shared", "hold all of them for reading"),
      Flag.plain('x', "exclusive", "hold the operands for writing (the default)"),
      Flag.plain('n', "nonblock", "do not wait"),
      Flag.valued('w', "wait", "DUR", "wait so long at most; 0 does not wait"),
      Flag.valued('E', "conflict-exit-code", "N", "the status when not acquired (75)"),
      Flag.valued('\0', "max-hold", "DUR", "stop the command after so long (status 124)"),
      Flag.valued('\0', "on-lost", "term|kill|warn", "what to do when a lock is lost (term)"),
      Flag.valued('\0', "grace", "DUR", "between TERM and KILL (5s)"),
      Flag.valued('\0', "reason", "TEXT", "what for, shown to those who wait"),
      Flag.plain('\0', "force", "end who holds it, for the --reason given"),
      Flag.valued('\0', "priority", "N", "-100 to 100, lower goes first (0)"),
      Flag.valued('\0', "owner", "ID", "who, shown to others (TRUCE_OWNER, or the user)"),
      Flag.valued('c', "command", "LINE", "a shell line in place of -- CMD"),
      Flag.plain('q', "quiet", "say nothing when not acquired: the status tells")),
  ACQUIRE(
      Group.HOLD,
      "NAME [--ttl DUR] [-n | -w DUR] [FLAG]...",
      "take a lock for a term, across commands",
      Flag.valued('\0', "lock", "NAME", "the lock; the same as the operand"),
      Flag.valued('\0', "ttl", "DUR", "how long it lasts unless renewed (5m)"),
      Flag.plain('s', "shared", "for reading, beside other readers"),
      Flag.plain('n', "nonblock", "do not wait"),
      Flag.valued('w', "wait", "DUR", "wait so long at most; 0 does not wait"),
      Flag.valued('E', "conflict-exit-code", "N", "the status when not acquired (75)"),
      Flag.valued('\0', "ticket-ttl", "DUR", "when not acquired, keep the place so long"),
      Flag.valued('\0', "ticket", "T", "take up the place that this ticket keeps"),
      Flag.plain('\0', "env", "print variables for a shell to eval; where refused, false"),
      Flag.valued('\0', "reason", "TEXT", "what for, shown to those who wait"),
      Flag.plain('\0', "force", "end who holds it, for the --reason given"),
      Flag.valued('\0', "owner", "ID", "who, shown to others (TRUCE_OWNER, or the user)"),
      Flag.plain('q', "quiet", "say nothing when not acquired: the status tells")),
  RENEW(
      Group.HOLD,
      "[LEASE | -]",
      "make a lease last another term (TRUCE_LEASE)",
      Flag.valued('\0', "ttl", "DUR", "for how long (as it was acquired)")),
  RELEASE(Group.HOLD, "[LEASE | -]", "give a lease back (TRUCE_LEASE)"),
  CHECK(
      Group.HOLD,
      "[NAME] [--token N] | --lease [LEASE | -]",
      "is this token current? (TRUCE_LOCK, TRUCE_TOKEN)",
      Flag.valued('\0', "lock", "NAME", "the lock; the same as the operand"),
      Flag.valued('\0', "token", "N", "the token to look for"),
      Flag.plain('\0', "lease", "does the lease stand? (TRUCE_LEASE)")),
  LS(Group.LOOK, "", "the locks that somebody holds or waits for"),
  WHY(
      Group.LOOK,
      "NAME",
      "who holds a lock, who waits, and what frees it",
      Flag.valued('\0', "lock", "NAME", "the lock; the same as the operand")),
  TOP(
      Group.LOOK,
      "[NAME]...",
      "the locks as they change: full screen in a terminal, else lines",
      Flag.valued('i', "interval", "DUR", "between two looks (1s)"),
      Flag.valued('n', "count", "N", "so many looks, then end")),
  STATS(
      Group.LOOK,
      "[NAME]...",
      "counters, waits and holds, and the last operations",
      Flag.valued('\0', "since", "DUR|TIME", "what ended so long ago, or from this moment on"),
      Flag.plain('\0', "reset", "begin anew, for everybody")),
  HISTORY(
      Group.LOOK,
      "[NAME] [--since DUR|TIME]",
      "leases, expiries, take-overs and force, as they were decided",
      Flag.valued('\0', "lock", "NAME", "of this lock alone; the same as the operand"),
      Flag.valued('\0', "since", "DUR|TIME", "so long ago, or from this moment on"),
      Flag.plain('\0', "traffic", "each wait, grant and end instead, where recorded"),
      Flag.plain('\0', "on", "with --traffic: record that of NAME from now on"),
      Flag.plain('\0', "off", "with --traffic: record it no longer")),
  STORE_PUT(
      Group.STORE,
      "STORE KEY VALUE|-",
      "have a key hold a value, or with - what stdin says",
      Write.IF_REVISION,
      Write.ID,
      Write.DURABILITY,
      Write.NO_FENCE),
  STORE_GET(
      Group.STORE,
      "STORE KEY",
      "print the value of a key, byte by byte (status 1: not there)",
      Then.AT,
      Flag.plain('\0', "applied", "also what a power cut may still take back")),
  STORE_RM(
      Group.STORE,
      "STORE KEY",
      "have a key be gone",
      Write.IF_REVISION,
      Write.ID,
      Write.DURABILITY,
      Write.NO_FENCE),
  STORE_LS(
      Group.STORE,
      "[STORE [PREFIX]]",
      "the stores, or the keys of one, in the order of their bytes",
      Then.AT,
      Flag.valued('n', "count", "N", "so many at most"),
      Flag.plain('\0', "keys", "the keys alone, or the names of the stores")),
  STORE_LOG(
      Group.STORE,
      "STORE [KEY]",
      "the commits to a store, or to a key of it, newest first",
      Flag.valued(
          '\0', "since", "REV|DUR|TIME", "behind this revision, so long ago, or from then on"),
      Flag.valued('n', "count", "N", "so many at most")),
  STORE_DIFF(
      Group.STORE,
      "STORE A [B]",
      "what is different between two revisions, or one and now (status 1: something is)"),
  STORE_WATCH(
      Group.STORE,
      "STORE [PREFIX]",
      "what happens in a store, as it happens",
      Flag.valued('\0', "from", "REV", "begin behind this revision, not with what comes next"),
      Flag.valued('n', "count", "N", "so many commits, then end")),
  STORE_STATS(
      Group.STORE,
      "[STORE]",
      "how much is in the stores, how far back one can look, and who keeps what"),
  STORE_COMMIT(
      Group.STORE,
      "STORE [FILE|-]",
      "put and remove many keys at once, all of them or none: a JSON object a line",
      Write.ID,
      Write.DURABILITY,
      Write.NO_FENCE),
  STORE_IMPORT(
      Group.STORE,
      "STORE FILE|- [--lines | --tsv | --jsonl]",
      "put what a file says, in batches that are safe one after the other",
      Form.LINES,
      Form.TSV,
      Form.JSONL,
      Flag.valued('\0', "batch", "N", "so many lines at most in a commit (4096)"),
      Write.DURABILITY,
      Write.NO_FENCE),
  STORE_EXPORT(
      Group.STORE,
      "STORE [--lines | --tsv | --jsonl]",
      "print a store as import reads it, in the order of the keys",
      Form.LINES,
      Form.TSV,
      Form.JSONL,
      Then.AT),
  STORE_CONFLICT_LS(
      Group.STORE,
      "",
      "the commits that were put aside for a person",
      Flag.plain('\0', "all", "those that were decided, too")),
  STORE_CONFLICT_SHOW(
      Group.STORE, "ID", "one of them: what it began with, what it wants, and what is there"),
  STORE_CONFLICT_RESOLVE(
      Group.STORE,
      "ID --take ours|theirs|base | --value V|-",
      "decide about one of them",
      Flag.valued('\0', "take", "ours|theirs|base", "for all of its keys"),
      Flag.valued('\0', "value", "V", "this value, or with - what stdin says"),
      Write.ID,
      Write.DURABILITY,
      Write.NO_FENCE),
  INIT(Group.CARE, "[DIR]", "make a root: .truce here, or DIR"),
  DOCTOR(
      Group.CARE,
      "[--adopt]",
      "examine a root",
      Flag.plain('\0', "adopt", "make a copied or moved root this machine's own")),
  VERIFY(
      Group.CARE,
      "[--salvage DIR]",
      "check every record on disk, while the root is in use",
      Flag.valued('\0', "salvage", "DIR", "save what is whole as a backup in DIR")),
  BACKUP(Group.CARE, "DEST", "copy what outlives the machine, while the root is in use"),
  RESTORE(Group.CARE, "BACKUP", "make a new root from a backup: .truce here, or --dir"),
  REVOKE(
      Group.CARE,
      "NAME --reason TEXT",
      "end by force whatever is held of a lock",
      Flag.valued('\0', "lock", "NAME", "the lock; the same as the operand"),
      Flag.valued('\0', "reason", "TEXT", "why: it is put down in the history")),
  INDEX_ADD(
      Group.INDEX,
      "PATH...",
      "index files and all below folders, by many processes at once",
      Indexed.WRITERS,
      Indexed.REPLACE,
      Indexed.FRAMEWORK,
      Write.NO_FENCE),
  INDEX_LS(Group.INDEX, "[PREFIX]", "the entries whose id begins so"),
  INDEX_SHOW(Group.INDEX, "ID[/VERSION]", "all of an entry; without a version of the highest one"),
  INDEX_RM(Group.INDEX, "ID[/VERSION]", "remove a version, or all of them", Write.NO_FENCE),
  INDEX_VERIFY(
      Group.INDEX,
      "[PATH...]",
      "hash the files again and list what differs, and what is new at PATHs"),
  INDEX_REBUILD(
      Group.INDEX,
      "PATH...",
      "have the index say what the files at PATHs are now",
      Indexed.WRITERS,
      Indexed.FRAMEWORK,
      Write.NO_FENCE),
  INDEX_BACKFILL(
      Group.INDEX,
      "PATH...",
      "index files, and make the sidecars that are wanting",
      Indexed.WRITERS,
      Indexed.FRAMEWORK,
      Flag.plain('\0', "dry-run", "say what would be made, and make nothing"),
      Write.NO_FENCE),
  INDEX_IMPORT(
      Group.INDEX,
      "FILE|-",
      "take up the entries of a JSON index, all of them or none",
      Indexed.REPLACE,
      Write.NO_FENCE),
  INDEX_EXPORT(Group.INDEX, "[FILE|-]", "write all entries as one JSON index"),
  DEMO(
      Group.MORE,
      "[DIR] [--seed N]",
      "watch many writers race, killed at random, nothing lost",
      Flag.valued('\0', "seed", "N", "choose the same files and kills again"),
      Where.JSON),
  BENCH(
      Group.MORE,
      "locks|journal|store [--quick] [--json] [--svg FILE]",
      "measure this machine, as ratios"),
  COMPLETIONS(
      Group.MORE,
      "bash|zsh|fish|locks|stores",
      "print what makes a shell complete truce's words; locks, stores: the names to complete",
      Where.THERE,
      Where.ENGINE),
  HELP(
      Group.MORE,
      "[VERB]",
      "explain a verb",
      Flag.plain('\0', "all", "list every verb"),
      Flag.plain('\0', "man", "print the manual page")),
  VERSION(Group.MORE, "", "print the version");

  /// Which part of the help a verb stands in.
  enum Group {
    HOLD,
    LOOK,
    STORE,
    CARE,
    INDEX,
    MORE
  }

  /// The flags of the verbs that make entries of the index.
  private static final class Indexed {
    static final Flag WRITERS = Flag.valued('\0', "writers", "N", "by so many processes (4)");
    static final Flag REPLACE = Flag.plain('\0', "replace", "a version may change its content");
    static final Flag FRAMEWORK =
        Flag.valued('\0', "framework", "NAME", "of files whose sidecar names none (the folder's)");
  }

  /// The flags that every verb on a root has, behind its own.
  private static final class Where {
    static final Flag DIR =
        Flag.valued('\0', "dir", "D", "the root; made if there is none (TRUCE_DIR)");

    /// Of those that make none.
    static final Flag THERE = Flag.valued('\0', "dir", "D", "the root (TRUCE_DIR)");

    static final Flag ENGINE =
        Flag.valued('\0', "engine", "URI", "the root as a URI (TRUCE_ENGINE)");
    static final Flag JSON = Flag.plain('\0', "json", "answer with one JSON object");

    static List<Flag> behind(Flag dir, Flag... own) {
      List<Flag> all = new ArrayList<>(List.of(own));
      all.addAll(List.of(dir, ENGINE, JSON));
      return List.copyOf(all);
    }
  }

  /// The flags that every verb has that writes to a store.
  private static final class Write {
    static final Flag IF_REVISION =
        Flag.valued(
            '\0', "if-revision", "N", "only while the key is at this revision; 0: not there");
    static final Flag ID =
        Flag.valued('\0', "id", "UUID", "names the commit: repeated, the first one is answered");
    static final Flag DURABILITY =
        Flag.valued('\0', "durability", "fsync|os|none", "how safe before it is answered (fsync)");
    static final Flag NO_FENCE =
        Flag.plain('\0', "no-fence", "without the tokens of the locks this runs under");
  }

  /// The flags for how keys and values are lines.
  private static final class Form {
    static final Flag LINES = Flag.plain('\0', "lines", "a key a line, without values");
    static final Flag TSV =
        Flag.plain('\0', "tsv", "key, TAB, value; in them \\t \\n \\\\ are written so");
    static final Flag JSONL =
        Flag.plain('\0', "jsonl", "a JSON object a line, with key and value (the default)");
  }

  /// The flag of the verbs that can read what was.
  private static final class Then {
    static final Flag AT = Flag.valued('\0', "at", "REV", "as it was at this revision");
  }

  private static final Verb[] ALL = values();

  private final Group group;
  private final String word;
  private final String operands;
  private final String summary;
  private final boolean makesRoots;

  @SuppressWarnings("ImmutableEnumChecker") // List.of
  private final List<Flag> flags;

  Verb(Group group, String operands, String summary, Flag... flags) {
    this.group = group;
    this.word =
        name().equals("VERSION") ? "--version" : name().toLowerCase(Locale.ROOT).replace('_', ' ');
    this.operands = operands;
    this.summary = summary;
    this.makesRoots = !List.of("DOCTOR", "VERIFY", "BACKUP").contains(name());
    this.flags =
        group == Group.MORE
            ? List.of(flags)
            : Where.behind(makesRoots ? Where.DIR : Where.THERE, flags);
  }

  Group group() {
    return group;
  }

  String operands() {
    return operands;
  }

  String summary() {
    return summary;
  }

  List<Flag> flags() {
    return flags;
  }

  /// Whether it makes the root that is named where there is none.
  boolean makesRoots() {
    return makesRoots;
  }

  /// As it is typed.
  String word() {
    return word;
  }

  /// `usage: truce why NAME [--dir D] [--engine URI] [--json]`.
  String usage() {
    StringBuilder line = new StringBuilder("usage: truce ").append(word());
    if (!operands.isEmpty()) {
      line.append(' ').append(operands);
    }
    if (this != RUN && this != ACQUIRE) {
      List<String> shown = List.of(operands.split("[^a-z-]+", -1));
      for (Flag flag : flags) {
        if (!shown.contains("--" + flag.name()) && !flag.name().equals("lock")) {
          line.append(" [--").append(flag.name());
          if (flag.takesValue()) {
            line.append(' ').append(flag.value());
          }
          line.append(']');
        }
      }
    }
    return line.toString();
  }

  @Nullable Flag flag(String name) {
    for (Flag flag : flags) {
      if (flag.name().equals(name)) {
        return flag;
      }
    }
    return null;
  }

  @Nullable Flag flag(char letter) {
    for (Flag flag : flags) {
      if (flag.letter() == letter) {
        return flag;
      }
    }
    return null;
  }

  /// How many words it has.
  int words() {
    int words = 1;
    for (int i = 0; i < word().length(); i++) {
      words += word().charAt(i) == ' ' ? 1 : 0;
    }
    return words;
  }

  /// The verb that a call begins with: of two, the one of more words.
  static @Nullable Verb leading(List<String> call) {
    Verb found = null;
    for (Verb verb : ALL) {
      boolean longer = found == null || verb.words() > found.words();
      if (longer && verb.words() <= call.size() && verb.leads(call)) {
        found = verb;
      }
    }
    return found;
  }

  private boolean leads(List<String> call) {
    return words() == 1
        ? word().equals(call.getFirst())
        : word().equals(String.join(" ", call.subList(0, words())));
  }

  /// Those whose first words these are.
  static List<Verb> behind(String words) {
    List<Verb> found = new ArrayList<>();
    for (Verb verb : ALL) {
      if (verb.word().startsWith(words + " ")) {
        found.add(verb);
      }
    }
    return found;
  }

  static @Nullable Verb of(String word) {
    for (Verb verb : ALL) {
      if (verb.word().equals(word)) {
        return verb;
      }
    }
    return null;
  }

  static List<Verb> in(Group group) {
    List<Verb> found = new ArrayList<>();
    for (Verb verb : ALL) {
      if (verb.group == group) {
        found.add(verb);
      }
    }
    return found;
  }
}
