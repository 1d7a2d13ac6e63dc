package dev.truce.lock;

/// How a grant ended: what its row in the cell says until that was put down for good, so that
/// whoever completes a half done end knows what to write.
///
/// @param by who ordered it, empty where nobody did
/// @param why for what reason, empty where there is none
record Ended(Kind kind, String by, String why) {
  /// The ways. Their names are part of the format.
  enum Kind {
    /// Its holder gave it back.
    RELEASED,
    /// Its term was over.
    EXPIRED,
    /// Its member died.
    DIED,
    /// Somebody ended it by force.
    REVOKED
  }

  static final Ended RELEASED = new Ended(Kind.RELEASED, "", "");
  static final Ended EXPIRED = new Ended(Kind.EXPIRED, "", "");
  static final Ended DIED = new Ended(Kind.DIED, "", "");

  /// The row's text: how it ended, then what it said while it stood.
  String write(String said) {
    return Fields.write(kind.name(), by, why, said);
  }

  static Ended read(String text) {
    String[] fields = Fields.read(text, 4);
    return new Ended(Fields.constant(Kind.class, fields[0]), fields[1], fields[2]);
  }

  /// What the row said while it stood.
  static String said(String text) {
    return Fields.read(text, 4)[3];
  }
}
