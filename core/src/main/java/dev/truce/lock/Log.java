package dev.truce.lock;

/// Where this package complains, looked up when there is something to complain about: finding a
/// logger takes a cold JVM as long as all the rest of an acquire.
final class Log {
  static final System.Logger LOG = System.getLogger("dev.truce.lock");

  private Log() {}
}
