package dev.truce.cli;

/// The version this build calls itself; a test holds it to the build's own.
final class Version {

  static final String TEXT = "0.1.0-SNAPSHOT";

  private Version() {}
}
