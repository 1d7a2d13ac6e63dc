package dev.truce.testkit;

/// Ends the thread of a simulated process that was killed, or whose machine lost its power. Nothing
/// that such a thread still does reaches anything.
///
/// An error, for code under test must not take it for a failure that it may answer.
public final class Halted extends Error {
  private static final long serialVersionUID = 1L;

  Halted(String why) {
    super(why, null, false, false);
  }
}
