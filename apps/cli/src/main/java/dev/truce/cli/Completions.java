package dev.truce.cli;

import java.util.ArrayList;
import java.util.List;

/// `truce completions SHELL`: what makes a shell complete verbs, flags, and the locks of the root.
final class Completions {
  /// The names of locks, one a line, whatever they hold but what JSON escapes.
  private static final String NAMES =
      "truce ls --json 2>/dev/null | grep -o '\"lock\":\"[^\"\\\\]*\"' | cut -d '\"' -f 4";

  private Completions() {}

  static int run(Options options, Console console) {
    List<String> operands = options.operands();
    String shell = operands.size() == 1 ? operands.getFirst() : "";
    String script =
        switch (shell) {
          case "bash" -> bash();
          case "zsh" -> zsh();
          case "fish" -> fish();
          default -> throw Failure.usage(Verb.COMPLETIONS, "which shell? bash, zsh or fish");
        };
    console.out().print(script);
    return 0;
  }

  private static String bash() {
    StringBuilder text = new StringBuilder();
    text.append("# truce: source this from ~/.bashrc\n_truce() {\n");
    text.append("  local word=${COMP_WORDS[COMP_CWORD]} verb=${COMP_WORDS[1]} i name quoted\n");
    text.append("  COMPREPLY=()\n");
    text.append("  if ((COMP_CWORD == 1)); then\n");
    text.append("    mapfile -t COMPREPLY < <(compgen -W '")
        .append(words())
        .append("' -- \"$word\")\n");
    text.append("    return\n  fi\n");
    text.append("  for ((i = 2; i < COMP_CWORD; i++)); do\n");
    text.append(
        "    [[ ${COMP_WORDS[i]} != -- ]] || { _command_offset $((i + 1)) 2>/dev/null; return; }\n");
    text.append("  done\n  case $verb in\n");
    for (Verb verb : Verb.values()) {
      text.append("    ")
          .append(verb.word())
          .append(") local flags='")
          .append(flags(verb))
          .append("' ;;\n");
    }
    text.append("    *) local flags= ;;\n  esac\n");
    text.append("  if [[ $word == -* ]]; then\n");
    text.append("    mapfile -t COMPREPLY < <(compgen -W \"$flags\" -- \"$word\")\n");
    text.append("  elif [[ $verb =~ ^(run|acquire|check|why|top|stats|history|revoke)$ ]]; then\n");
    text.append("    while IFS= read -r name; do\n      printf -v quoted %q \"$name\"\n");
    text.append(
        "      [[ $quoted != \"$word\"* && $name != \"$word\"* ]] || COMPREPLY+=(\"$quoted\")\n");
    text.append("    done < <(").append(NAMES).append(")\n");
    text.append("  elif [[ $verb == help ]]; then\n");
    text.append("    mapfile -t COMPREPLY < <(compgen -W '")
        .append(words())
        .append("' -- \"$word\")\n");
    text.append("  elif [[ $verb == completions ]]; then\n");
    text.append("    mapfile -t COMPREPLY < <(compgen -W 'bash zsh fish' -- \"$word\")\n");
    text.append("  else\n    mapfile -t COMPREPLY < <(compgen -d -- \"$word\")\n  fi\n}\n");
    return text.append("complete -F _truce truce\n").toString();
  }

  private static String zsh() {
    StringBuilder text =
        new StringBuilder("#compdef truce\n# truce: put this on your fpath as _truce\n");
    text.append("_truce() {\n  local -a verbs=(\n");
    for (Verb verb : Verb.values()) {
      text.append("    '").append(verb.word()).append(':').append(verb.summary()).append("'\n");
    }
    text.append("  )\n  if ((CURRENT == 2)); then _describe verb verbs; return; fi\n");
    text.append("  local at=${words[(i)--]}\n");
    text.append("  if ((at < CURRENT)); then\n");
    text.append("    shift $at words; ((CURRENT -= at)); _normal; return\n  fi\n");
    text.append("  local -a flags\n  case ${words[2]} in\n");
    for (Verb verb : Verb.values()) {
      text.append("    ")
          .append(verb.word())
          .append(") flags=(")
          .append(flags(verb))
          .append(") ;;\n");
    }
    text.append("  esac\n");
    text.append("  if [[ $PREFIX == -* ]]; then compadd -- $flags; return; fi\n");
    text.append("  case ${words[2]} in\n");
    text.append("    run|acquire|check|why|top|stats|history|revoke) compadd -- ${(f)\"$(")
        .append(NAMES)
        .append(")\"} ;;\n");
    text.append("    help) _describe verb verbs ;;\n");
    text.append("    completions) compadd bash zsh fish ;;\n");
    text.append("    *) _files -/ ;;\n  esac\n}\n_truce \"$@\"\n");
    return text.toString();
  }

  private static String fish() {
    StringBuilder text =
        new StringBuilder("# truce: put this into ~/.config/fish/completions/truce.fish\n");
    text.append("complete -c truce -f\n");
    for (Verb verb : Verb.values()) {
      text.append("complete -c truce -n __fish_use_subcommand -a '")
          .append(verb.word())
          .append("' -d '")
          .append(verb.summary().replace("'", "\\'"))
          .append("'\n");
      for (Flag flag : verb.flags()) {
        text.append("complete -c truce -n '__fish_seen_subcommand_from ")
            .append(verb.word())
            .append('\'');
        if (flag.letter() != 0) {
          text.append(" -s ").append(flag.letter());
        }
        text.append(" -l ").append(flag.name()).append(flag.takesValue() ? " -r" : "");
        text.append(" -d '").append(flag.help().replace("'", "\\'")).append("'\n");
      }
    }
    text.append(
            "complete -c truce -n '__fish_seen_subcommand_from run acquire check why top stats history revoke' -a \"(")
        .append(NAMES.replace("\\", "\\\\").replace("\"", "\\\""))
        .append(")\"\n");
    text.append(
        "complete -c truce -n '__fish_seen_subcommand_from completions' -a 'bash zsh fish'\n");
    return text.toString();
  }

  private static String words() {
    List<String> words = new ArrayList<>();
    for (Verb verb : Verb.values()) {
      words.add(verb.word());
    }
    return String.join(" ", words);
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
}
