package dev.truce.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/// What people type when they mean one of the verbs.
final class Mistakes {
  /// In so many letters one may be wrong.
  private static final int LETTERS_A_SLIP = 3;

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
      default -> closest(word, rest);
    };
  }

  /// The verb that differs from the first words of the call by little, else the only one that
  /// begins as they do; empty where nothing is near.
  private static String closest(String word, List<String> rest) {
    List<String> call = new ArrayList<>(List.of(word.split(" ", -1)));
    call.addAll(rest);
    String best = "";
    int least = Integer.MAX_VALUE;
    for (Verb verb : Verb.values()) {
      if (verb.words() <= call.size()) {
        String typed = String.join(" ", call.subList(0, verb.words()));
        int distance = distance(typed, verb.word());
        if (distance < least && distance <= typed.length() / LETTERS_A_SLIP) {
          least = distance;
          best = verb.word();
        }
      }
    }
    if (best.isEmpty() && word.length() >= LETTERS_A_SLIP) {
      List<Verb> begins =
          Stream.of(Verb.values()).filter(verb -> verb.word().startsWith(word)).toList();
      best = begins.size() == 1 ? begins.getFirst().word() : "";
    }
    return best.isEmpty() ? "" : "truce " + best;
  }

  /// How many letters have to be put in, taken out, exchanged, or swapped with the next.
  private static int distance(String one, String other) {
    int[][] least = new int[one.length() + 1][other.length() + 1];
    for (int i = 0; i <= one.length(); i++) {
      for (int j = 0; j <= other.length(); j++) {
        if (i == 0 || j == 0) {
          least[i][j] = i + j;
          continue;
        }
        int exchanged = least[i - 1][j - 1] + (one.charAt(i - 1) == other.charAt(j - 1) ? 0 : 1);
        least[i][j] = Math.min(exchanged, Math.min(least[i - 1][j], least[i][j - 1]) + 1);
        if (i > 1
            && j > 1
            && one.charAt(i - 1) == other.charAt(j - 2)
            && one.charAt(i - 2) == other.charAt(j - 1)) {
          least[i][j] = Math.min(least[i][j], least[i - 2][j - 2] + 1);
        }
      }
    }
    return least[one.length()][other.length()];
  }
}
