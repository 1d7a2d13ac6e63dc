package dev.truce.index;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// What came of a call, as the command makes it.
record Called(int status, String out, String err) {

  /// @param words the verb, flags as `--writers=2` and tokens as `@7:build`, and operands
  static Called in(Path folder, String... words) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    int status =
        Index.run(
            arguments(folder, words),
            new PrintStream(out, true, StandardCharsets.UTF_8),
            new PrintStream(err, true, StandardCharsets.UTF_8));
    return new Called(
        status, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
  }

  private static List<String> arguments(Path folder, String... words) {
    List<String> arguments = new ArrayList<>();
    arguments.addAll(List.of(folder.resolve(".truce").toString(), "make", folder.toString()));
    arguments.add(words[0]);
    List<String> rest = Arrays.asList(words).subList(1, words.length);
    rest.stream().filter(Called::isFlag).map(Called::flag).forEach(arguments::add);
    arguments.add("--");
    rest.stream().filter(word -> !isFlag(word)).forEach(arguments::add);
    return arguments;
  }

  private static boolean isFlag(String word) {
    return word.startsWith("--") || word.startsWith("@");
  }

  private static String flag(String word) {
    return word.contains("=") || word.startsWith("@") ? word : word + "=";
  }

  /// The same as a process of its own.
  public static void main(String[] words) {
    Called called = in(Path.of(words[0]), Arrays.copyOfRange(words, 1, words.length));
    System.out.print(called.out());
    System.err.print(called.err());
    System.exit(called.status());
  }
}
