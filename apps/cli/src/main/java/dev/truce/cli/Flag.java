package dev.truce.cli;

/// One flag of a verb.
///
/// @param letter its short spelling, 0 when it has none
/// @param name its long spelling, without the dashes
/// @param value what its value is called in the help; empty when it takes none
record Flag(char letter, String name, String value, String help) {

  static Flag plain(char letter, String name, String help) {
    return new Flag(letter, name, "", help);
  }

  static Flag valued(char letter, String name, String value, String help) {
    return new Flag(letter, name, value, help);
  }

  boolean takesValue() {
    return !value.isEmpty();
  }

  /// As people are to type it: `-w` or, without a letter, `--grace`.
  String spelling() {
    return letter == 0 ? "--" + name : "-" + letter;
  }
}
