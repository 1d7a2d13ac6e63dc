package dev.truce.cli;

import java.util.List;

/// What people type when they mean one of the verbs.
final class Mistakes {
  private Mistakes() {}

  static Failure unknown(String word, List<String> rest) {
    String meant = meant(word, rest);
    return Failure.usage(
        null,
        "there is no '"
            + word
            + "': "
            + (meant.isEmpty() ? "see truce help" : "did you mean '" + meant + "'?"));
  }

  private static String meant(String word, List<String> rest) {
    String name = rest.isEmpty() || rest.getFirst().startsWith("-") ? "NAME" : rest.getFirst();
    switch (word) {
      case "lock", "with", "exec", "hold", "acquire", "flock" -> {
        return "truce run " + name + " -- CMD";
      }
      case "unlock", "release", "free" -> {
        return "truce why "
            + name
            + "' (a run gives its locks back when its command ends), or 'truce help run";
      }
      case "list", "status", "locks", "ps", "show" -> {
        return "truce ls";
      }
      case "who", "info", "explain", "wait" -> {
        return "truce why " + name;
      }
      case "valid", "verify-token", "isvalid", "is-current" -> {
        return "truce check";
      }
      case "create", "new", "setup" -> {
        return "truce init";
      }
      case "fsck", "diagnose" -> {
        return "truce doctor";
      }
      case "completion" -> {
        return "truce completions bash";
      }
      default -> {
        return closest(word);
      }
    }
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
