package dev.truce.cli;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// The arguments of a verb, taken apart: flags in any order between the operands, `-nq` and `-w5`
/// and `--wait=5` as people are used to, everything after `--` an operand.
final class Options {
  private static final Pattern NUMBER = Pattern.compile("-?[0-9]{1,16}");

  /// What U+FFFD stands for: bytes that were no UTF-8 have become it.
  private static final char UNREADABLE = '\uFFFD';

  /// One thing given.
  ///
  /// @param flag the long name of the flag, empty for an operand
  /// @param index which argument the value came from
  record Given(String flag, String value, int index) {}

  private final Verb verb;
  private final List<Given> given = new ArrayList<>();

  private Options(Verb verb) {
    this.verb = verb;
  }

  /// Takes the arguments apart.
  ///
  /// @throws Failure for one that the verb does not know
  static Options parse(Verb verb, List<String> arguments) {
    Options options = new Options(verb);
    int i = 0;
    while (i < arguments.size()) {
      String argument = arguments.get(i);
      if (argument.equals("--")) {
        for (i++; i < arguments.size(); i++) {
          options.add("", arguments.get(i), i);
        }
      } else if (argument.startsWith("--")) {
        i = options.readLong(arguments, i);
      } else if (argument.length() > 1 && argument.charAt(0) == '-') {
        i = options.readShort(arguments, i);
      } else {
        options.add("", argument, i);
        i++;
      }
    }
    return options;
  }

  private int readLong(List<String> arguments, int i) {
    String argument = arguments.get(i);
    int equals = argument.indexOf('=');
    String name = equals < 0 ? argument.substring(2) : argument.substring(2, equals);
    Flag flag = verb.flag(name);
    if (flag == null) {
      throw Failure.usage(verb, unknown("--" + name));
    }
    if (!flag.takesValue()) {
      if (equals >= 0) {
        throw Failure.usage(verb, "--" + name + " takes no value");
      }
      add(name, "", i);
      return i + 1;
    }
    if (equals >= 0) {
      add(name, argument.substring(equals + 1), i);
      return i + 1;
    }
    add(name, valueAfter("--" + name, flag, arguments, i), i + 1);
    return i + 2;
  }

  private int readShort(List<String> arguments, int i) {
    String argument = arguments.get(i);
    for (int at = 1; at < argument.length(); at++) {
      Flag flag = verb.flag(argument.charAt(at));
      if (flag == null) {
        throw Failure.usage(verb, unknown("-" + argument.charAt(at)));
      }
      if (flag.takesValue()) {
        String attached = argument.substring(at + 1);
        if (!attached.isEmpty()) {
          add(flag.name(), attached, i);
          return i + 1;
        }
        add(flag.name(), valueAfter(flag.spelling(), flag, arguments, i), i + 1);
        return i + 2;
      }
      add(flag.name(), "", i);
    }
    return i + 1;
  }

  private String valueAfter(String spelling, Flag flag, List<String> arguments, int i) {
    if (i + 1 >= arguments.size() || arguments.get(i + 1).equals("--")) {
      throw Failure.usage(verb, spelling + " needs its value: " + flag.value());
    }
    return arguments.get(i + 1);
  }

  private String unknown(String spelling) {
    return "truce " + verb.word() + " has no flag " + spelling;
  }

  private void add(String flag, String value, int index) {
    given.add(new Given(flag, value, index));
  }

  Verb verb() {
    return verb;
  }

  /// Everything given, in order.
  List<Given> given() {
    return given;
  }

  boolean has(String flag) {
    return last(flag) != null;
  }

  /// The last one given of this flag.
  @Nullable Given last(String flag) {
    for (int i = given.size() - 1; i >= 0; i--) {
      if (given.get(i).flag().equals(flag)) {
        return given.get(i);
      }
    }
    return null;
  }

  @Nullable String value(String flag) {
    Given last = last(flag);
    return last == null ? null : last.value();
  }

  List<String> operands() {
    List<String> operands = new ArrayList<>();
    for (Given one : given) {
      if (one.flag().isEmpty()) {
        operands.add(one.value());
      }
    }
    return operands;
  }

  /// The one lock that is named, or null when none is.
  @Nullable String lock() {
    String found = null;
    for (Given one : given) {
      if (one.flag().isEmpty() || one.flag().equals("lock")) {
        if (found != null) {
          throw Failure.usage(verb, "one NAME at a time");
        }
        found = name(one.value());
      }
    }
    return found;
  }

  /// `text` as the name of a lock.
  String name(String text) {
    if (text.isEmpty()) {
      throw Failure.usage(verb, "the name of a lock is empty");
    }
    if (text.indexOf(UNREADABLE) >= 0) {
      throw Failure.usage(verb, "the name of a lock is not UTF-8 text: " + text);
    }
    int bytes = utf8Length(text);
    if (bytes > 255) {
      throw Failure.usage(verb, "the name of a lock has at most 255 bytes, this one " + bytes);
    }
    return text;
  }

  /// Whether it was given as UTF-8: bytes that are none have become U+FFFD, and half a character
  /// can come from inside the JVM only.
  static boolean isUtf8(String text) {
    return text.indexOf(UNREADABLE) < 0;
  }

  private static int utf8Length(String text) {
    int bytes = 0;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      bytes += c < 0x80 ? 1 : c < 0x800 || Character.isSurrogate(c) ? 2 : 3;
    }
    return bytes;
  }

  /// The flag's value as a path.
  static boolean isReadable(String text) {
    return text.indexOf(UNREADABLE) < 0 && text.indexOf('\0') < 0;
  }

  /// The flag's value as a duration.
  @Nullable Duration duration(String flag) {
    String value = value(flag);
    if (value == null) {
      return null;
    }
    Duration duration = Durations.parse(value);
    if (duration == null) {
      throw Failure.usage(
          verb,
          (flag.equals("wait") ? "-w" : "--" + flag)
              + " takes a duration such as 250ms, 5s, 2m, 1h, 1d or 1.5, at most 36500d, not: "
              + value);
    }
    return duration;
  }

  /// The same for something that shall last: not 0.
  @Nullable Duration term(String flag) {
    Duration term = duration(flag);
    if (term != null && term.isZero()) {
      throw Failure.usage(verb, "--" + flag + " 0 would be over at once");
    }
    return term;
  }

  /// The flag's value as a whole number from `least` to `most`.
  long number(String flag, long least, long most, long otherwise) {
    String value = value(flag);
    if (value == null) {
      return otherwise;
    }
    return number(verb, "--" + flag, value, least, most);
  }

  /// `text` as a whole number from `least` to `most`.
  ///
  /// @param what takes it
  static long number(Verb verb, String what, String text, long least, long most) {
    boolean known = NUMBER.matcher(text).matches();
    long number = known ? Long.parseLong(text) : 0;
    if (!known || number < least || number > most) {
      throw Failure.usage(
          verb, what + " takes a number from " + least + " to " + most + ", not: " + text);
    }
    return number;
  }

  void noOperands() {
    if (!operands().isEmpty()) {
      throw Failure.usage(
          verb, "truce " + verb.word() + " takes no operand: " + operands().getFirst());
    }
  }
}
