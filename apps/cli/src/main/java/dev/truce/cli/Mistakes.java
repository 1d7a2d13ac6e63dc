package dev.truce.cli;

import java.util.List;

/// What people type when they mean one of the verbs.
final class Mistakes {
  private Mistakes() {}

  /// @param call whose first words are no verb
  static Failure unknown(List<String> call) {
    String first = call.getFirst();
    return call.size() > 1 && !Verb.behind(first).isEmpty()
        ? unknown(first + " " + call.get(1), call.subList(2, call.size()))
        : unknown(first, call.subList(1, call.size()));
  }

  private static Failure unknown(String word, List<String> rest) {
    if (word.startsWith("-")) {
      return Failure.usage(null, "flags come after the verb: truce VERB " + Text.word(word));
    }
    String meant = meant(word, rest);
    return Failure.usage(
        null,
        "there is no '"
            + word
            + "': "
            + (meant.isEmpty() ? "see truce help" : "did you mean '" + meant + "'?"));
  }

  private static String meant(String word, List<String> rest) {
    String name =
        rest.isEmpty() || rest.getFirst().startsWith("-") ? "NAME" : Text.word(rest.getFirst());
    return switch (word) {
      case "lock", "with", "exec", "hold", "flock" -> "truce run " + name + " -- CMD";
      case "unlock", "release", "free" ->
          // A run gives its locks back by itself; who asks wants to know why one is not free.
          "truce why " + name;
      case "list", "status", "locks", "ps", "show" -> "truce ls";
      case "who", "info", "explain" -> "truce why " + name;
      case "valid", "current" -> "truce check";
      case "create", "new", "setup" -> "truce init";
      case "fsck", "diagnose" -> "truce doctor";
      case "store set", "store write", "put", "set" -> "truce store put";
      case "store read", "store cat", "store show", "get" -> "truce store get";
      case "store del", "store delete", "store remove", "rm" -> "truce store rm";
      case "store list", "store keys" -> "truce store ls";
      case "completion" -> "truce completions bash";
      default -> closest(word);
    };
  }

  private static String closest(String word) {
    String best = "";
    int least = 3;
    for (Verb verb : Verb.values()) {
      int distance = distance(word, verb.word());
      if (distance < least && distance < verb.word().length()) {
        least = distance;
        best = "truce " + verb.word();
      }
    }
    return best;
  }

  /// How many letters have to be put in, taken out or exchanged.
  private static int distance(String one, String other) {
    int[] row = new int[other.length() + 1];
    for (int j = 0; j <= other.length(); j++) {
      row[j] = j;
    }
    for (int i = 1; i <= one.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j <= other.length(); j++) {
        int exchanged = diagonal + (one.charAt(i - 1) == other.charAt(j - 1) ? 0 : 1);
        diagonal = row[j];
        row[j] = Math.min(exchanged, Math.min(row[j], row[j - 1]) + 1);
      }
    }
    return row[other.length()];
  }
}
