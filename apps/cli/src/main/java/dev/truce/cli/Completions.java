package dev.truce.cli;

import dev.truce.Truce;
import dev.truce.lock.LockStatus;
import dev.truce.store.StoreStatus;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/// `truce completions SHELL`: what makes a shell complete verbs, flags and their values, and the
/// names of the locks and stores of the root that the line names.
///
/// The scripts go by [Verb] alone. For the names they call `truce completions locks` or `stores`,
/// which look and never make a root: nobody who types half a path and a tab wants one.
final class Completions {
  /// What stands at a place of the line, in the words of the scripts.
  private static final String LOCKS = "locks";

  private static final String STORES = "stores";
  private static final String FOLDERS = "folders";
  private static final String VERBS = "verbs";
  private static final String NOTHING = "nothing";

  private Completions() {}

  static int run(Options options, Console console) {
    List<String> operands = options.operands();
    String wanted = operands.size() == 1 ? operands.getFirst() : "";
    String answer =
        switch (wanted) {
          case "bash" -> filled(BASH);
          case "zsh" -> filled(ZSH);
          case "fish" -> filled(FISH).replace("@each@", fishFlags());
          case LOCKS -> names(Completions::locks, options, console);
          case STORES -> names(Completions::stores, options, console);
          default -> throw Failure.usage(Verb.COMPLETIONS, "which shell? bash, zsh or fish");
        };
    console.out().print(answer);
    return 0;
  }

  /// One a line, but for those that hold what would be another line.
  private static String names(
      Function<Truce, Stream<String>> all, Options options, Console console) {
    Place place = Place.find(options, console);
    if (!Files.isDirectory(place.directory())) {
      return "";
    }
    StringBuilder names = new StringBuilder();
    try (Truce truce = Look.at(new Place(place.directory(), false), console)) {
      all.apply(truce)
          .filter(name -> name.chars().noneMatch(Character::isISOControl))
          .forEach(name -> names.append(name).append('\n'));
    }
    return names.toString();
  }

  private static Stream<String> locks(Truce truce) {
    return truce.status().stream().map(LockStatus::lock);
  }

  private static Stream<String> stores(Truce truce) {
    return truce.storeStatus().stores().stream().map(StoreStatus.Named::name);
  }

  // ---- what stands where ------------------------------------------------------------------------

  /// Words to choose from, or what kind of thing it is.
  private static String kind(Flag flag) {
    return switch (flag.value()) {
      case "NAME" -> LOCKS;
      case "D", "DIR" -> FOLDERS;
      default -> choice(flag.value());
    };
  }

  private static String kind(Verb verb) {
    String operands = verb.operands();
    if (operands.contains("NAME")) {
      return LOCKS;
    }
    if (operands.contains("VERB")) {
      return VERBS;
    }
    boolean folder = Stream.of("[DIR]", "DEST", "BACKUP").anyMatch(operands::startsWith);
    return folder ? FOLDERS : choice(operands);
  }

  /// Whether what stands right behind it is the name of a store.
  private static boolean isOfAStore(Verb verb) {
    return verb.operands().startsWith("STORE") || verb.operands().startsWith("[STORE");
  }

  /// `term|kill|warn` as words; nothing for what is no choice.
  private static String choice(String value) {
    String first = value.split(" ", 2)[0];
    boolean words = first.contains("|") && first.equals(first.toLowerCase(Locale.ROOT));
    return words ? first.replace('|', ' ') : NOTHING;
  }

  private static String filled(String script) {
    StringBuilder flags = new StringBuilder();
    StringBuilder operands = new StringBuilder();
    StringBuilder values = new StringBuilder();
    for (Verb verb : Verb.values()) {
      flags.append(row("'" + verb.word() + "'", "flags", flags(verb)));
      operands.append(row("'" + verb.word() + "'", "kind", kind(verb)));
      if (isOfAStore(verb)) {
        String last = verb.word().substring(verb.word().lastIndexOf(' ') + 1);
        values.append(row("'" + verb.word() + " " + last + "'", "kind", STORES));
      }
      for (Flag flag : verb.flags()) {
        if (flag.takesValue()) {
          String after = "'" + verb.word() + " --" + flag.name() + "'";
          String letter =
              flag.letter() == 0 ? "" : " | '" + verb.word() + " -" + flag.letter() + "'";
          values.append(row(after + letter, "kind", kind(flag)));
        }
      }
    }
    for (String beginning : beginnings()) {
      operands.append(row("'" + beginning + "'", "kind", next(beginning)));
    }
    return script
        .replace("@longer@", longer())
        .replace("@verbs@", words())
        .replace("@described@", described())
        .replace("@flags@", flags)
        .replace("@operands@", operands)
        .replace("@values@", values);
  }

  private static String row(String pattern, String variable, String value) {
    return "    " + pattern + ") " + variable + "='" + value + "' ;;\n";
  }

  /// What finds out the verb of a line that begins with these words: of several words those of the
  /// most first, and the beginnings of them, which are no verbs.
  private static String longer() {
    return Stream.concat(several().stream().map(Verb::word), beginnings().stream())
        .sorted(Comparator.comparingInt(String::length).reversed())
        .map(words -> row("'" + words + " '*", "verb", words))
        .collect(Collectors.joining());
  }

  private static List<Verb> several() {
    return Stream.of(Verb.values()).filter(verb -> verb.words() > 1).toList();
  }

  /// `store`, and what else verbs of several words begin with.
  private static List<String> beginnings() {
    return several().stream()
        .flatMap(verb -> {
          String[] words = verb.word().split(" ", -1);
          return IntStream.range(1, words.length)
              .mapToObj(n -> String.join(" ", List.of(words).subList(0, n)));
        })
        .distinct()
        .toList();
  }

  /// The words that can stand behind these.
  private static String next(String beginning) {
    return Verb.behind(beginning).stream()
        .map(verb -> verb.word().substring(beginning.length() + 1).split(" ", 2)[0])
        .distinct()
        .collect(Collectors.joining(" "));
  }

  /// What a call can begin with.
  private static String words() {
    return String.join(" ", first());
  }

  private static List<String> first() {
    return Stream.of(Verb.values()).map(verb -> verb.word().split(" ", 2)[0]).distinct().toList();
  }

  private static String described() {
    StringBuilder verbs = new StringBuilder();
    for (String word : first()) {
      verbs.append("    ").append(Text.quoted(word + ":" + summary(word))).append('\n');
    }
    return verbs.toString();
  }

  /// Of what several verbs begin with, how they go on.
  private static String summary(String word) {
    Verb verb = Verb.of(word);
    return verb == null ? next(word).replace(" ", ", ") : verb.summary();
  }

  private static String flags(Verb verb) {
    List<String> flags = new ArrayList<>();
    for (Flag flag : verb.flags()) {
      if (flag.letter() != 0) {
        flags.add("-" + flag.letter());
      }
      flags.add("--" + flag.name());
    }
    return String.join(" ", flags);
  }

  // ---- the scripts ------------------------------------------------------------------------------

  private static final String BASH =
      """
      # truce: source this from ~/.bashrc
      _truce() {
        local line=${COMP_LINE:0:COMP_POINT} words=() word= verb= before root=() i flags= kind name quoted
        COMPREPLY=()
        # The line as the shell takes it apart, but for quotes: = and : are part of a word here.
        read -a words <<<"$line"
        [[ $line == *[[:space:]] && $line != *\\\\[[:space:]] ]] || {
          word=${words[-1]}
          unset 'words[-1]'
        }
        case "${words[*]:1} " in
      @longer@    *) verb=${words[1]-} ;;
        esac
        case $verb in
      @flags@    *) flags= ;;
        esac
        if ((${#words[@]} < 2)); then
          kind=verbs
        else
          before=${words[-1]}
          for ((i = 2; i < ${#words[@]}; i++)); do
            case ${words[i]} in
              --) _truce_command; return ;;
              --dir | --engine)
                ((i + 1 == ${#words[@]})) || root=("${words[i]}" "${words[i + 1]/#\\~\\//$HOME/}") ;;
              --dir=* | --engine=*) root=("${words[i]/=\\~\\//=$HOME/}") ;;
            esac
          done
          _truce_kind "$verb" "$before"
          if [[ $word == --*=* ]]; then
            _truce_kind "$verb" "${word%%=*}"
            word=${word#*=}
          elif [[ $word == -* ]]; then
            mapfile -t COMPREPLY < <(compgen -W "$flags" -- "$word")
            return
          fi
        fi
        case $kind in
          locks | stores)
            while IFS= read -r name; do
              printf -v quoted %q "$name"
              [[ $name != "$word"* ]] || COMPREPLY+=("$quoted")
            done < <("$1" completions "$kind" "${root[@]}" 2>/dev/null) ;;
          folders) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- "$word") ;;
          verbs) mapfile -t COMPREPLY < <(compgen -W '@verbs@' -- "$word") ;;
          nothing) ;;
          *) mapfile -t COMPREPLY < <(compgen -W "$kind" -- "$word") ;;
        esac
        # Readline replaces no more than what stands behind the last of its word breaks.
        if [[ $word == *[:=]* && $COMP_WORDBREAKS == *:* ]]; then
          for i in "${!COMPREPLY[@]}"; do COMPREPLY[i]=${COMPREPLY[i]#"${word%"${word##*[:=]}"}"}; done
        fi
      }

      # What may stand behind the word $2 of verb $1: the value of a flag, or else an operand.
      _truce_kind() {
        kind=nothing
        case "$1 $2" in
      @values@    *) case $1 in
      @operands@    esac ;;
        esac
      }

      # Completes the command behind --, as if it stood alone.
      _truce_command() {
        local at
        for ((at = 1; at < COMP_CWORD; at++)); do
          [[ ${COMP_WORDS[at]} != -- ]] || break
        done
        if declare -F _command_offset >/dev/null; then
          _command_offset $((at + 1))
        elif ((at + 1 == COMP_CWORD)); then
          mapfile -t COMPREPLY < <(compgen -c -- "$word")
        else
          compopt -o filenames 2>/dev/null
          mapfile -t COMPREPLY < <(compgen -f -- "$word")
        fi
      }
      complete -F _truce truce
      """;

  private static final String ZSH =
      """
      #compdef truce
      # truce: put this on your fpath as _truce, or source it after compinit
      _truce() {
        local -a verbs=(
      @described@  )
        local at=${words[(i)--]} before=${(Q)words[CURRENT-1]} verb=${words[2]} flags= kind= i
        local -a root names
        if ((CURRENT == 2)); then _describe verb verbs; return; fi
        if ((at < CURRENT)); then
          shift $at words; ((CURRENT -= at)); _normal; return
        fi
        for ((i = 3; i < CURRENT; i++)); do
          case ${(Q)words[i]} in
            --dir|--engine)
              ((i + 1 == CURRENT)) || root=(${(Q)words[i]} "${${(Q)words[i+1]}/#\\~\\//$HOME/}") ;;
            --dir=*|--engine=*) root=("${${(Q)words[i]}/=\\~\\//=$HOME/}") ;;
          esac
        done
        case "${(j: :)words[2,CURRENT-1]} " in
      @longer@  esac
        case $verb in
      @flags@  esac
        if compset -P '--*='; then before=${${(Q)words[CURRENT]}%%=*}; fi
        case "$verb $before" in
      @values@    *) case $verb in
      @operands@    esac ;;
        esac
        if [[ $PREFIX == -* ]]; then compadd -- ${=flags}; return; fi
        case $kind in
          locks|stores)
            names=("${(@f)$(${(Q)words[1]} completions $kind $root 2>/dev/null)}")
            compadd -- ${names:#} ;;
          folders) _files -/ ;;
          verbs) _describe verb verbs ;;
          nothing) ;;
          *) compadd -- ${=kind} ;;
        esac
      }
      if [[ $funcstack[1] == _truce ]]; then _truce "$@"; else compdef _truce truce; fi
      """;

  private static final String FISH =
      """
      # truce: put this into ~/.config/fish/completions/truce.fish
      function __truce_verb
        set -l words (commandline -opc)
        not contains -- -- $words; and test (count $words) -gt 1
        and string match -q -- "$argv *" "$words[2..-1] "
      end
      function __truce_exactly
        set -l words (commandline -opc)
        test (count $words) -gt 1; and test "$words[2..-1]" = "$argv"
      end
      function __truce_first
        test (count (commandline -opc)) -eq 1
      end
      function __truce_names
        set -l words (commandline -opc)
        set -l root
        for i in (seq 3 (count $words))
          switch $words[$i]
            case --dir --engine
              set -l next (math $i + 1)
              test $next -le (count $words)
              and set root $words[$i] (string replace -r '^~/' "$HOME/" -- $words[$next])
            case '--dir=*' '--engine=*'
              set root (string replace '=~/' "=$HOME/" -- $words[$i])
          end
        end
        $words[1] completions $argv $root 2>/dev/null
      end
      function __truce_command
        set -l words (commandline -opc) (commandline -ct)
        set -l at (contains -i -- -- $words)
        complete -C (string join ' ' -- $words[(math $at + 1)..-1])
      end
      complete -c truce -f
      complete -c truce -n 'contains -- -- (commandline -opc)' -a '(__truce_command)'
      @each@\
      """;

  private static String fishFlags() {
    StringBuilder text = new StringBuilder();
    for (String word : first()) {
      text.append("complete -c truce -n __truce_first -a ")
          .append(fish(word))
          .append(" -d ")
          .append(fish(summary(word)))
          .append('\n');
    }
    for (String beginning : beginnings()) {
      text.append("complete -c truce -n '__truce_exactly " + beginning + "' -a ")
          .append(fish(next(beginning)))
          .append('\n');
    }
    for (Verb verb : Verb.values()) {
      String condition = " -n '__truce_verb " + verb.word() + "'";
      String operands = fishArguments(kind(verb));
      if (!operands.isEmpty()) {
        text.append("complete -c truce").append(condition).append(operands).append('\n');
      }
      if (isOfAStore(verb)) {
        text.append("complete -c truce -n '__truce_exactly ")
            .append(verb.word())
            .append("'")
            .append(fishArguments(STORES))
            .append('\n');
      }
      for (Flag flag : verb.flags()) {
        text.append("complete -c truce").append(condition);
        if (flag.letter() != 0) {
          text.append(" -s ").append(flag.letter());
        }
        text.append(" -l ").append(flag.name());
        if (flag.takesValue()) {
          text.append(" -x").append(fishArguments(kind(flag)));
        }
        text.append(" -d ").append(fish(flag.help())).append('\n');
      }
    }
    return text.toString();
  }

  private static String fishArguments(String kind) {
    return switch (kind) {
      case LOCKS, STORES -> " -a '(__truce_names " + kind + ")'";
      case FOLDERS -> " -a '(__fish_complete_directories)'";
      case VERBS -> " -a " + fish(words());
      case NOTHING -> "";
      default -> " -a " + fish(kind);
    };
  }

  private static String fish(String text) {
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'";
  }
}
