package dev.truce.lock;

/// Who gives way when some wait for each other in a ring. All handles of a root had better agree:
/// each decides by its own policy about the rings that it sees.
public enum DeadlockPolicy {
  /// The one with the last [priority][NamedLock#withPriority]; of those with the same the one that
  /// began to wait last.
  LOWEST_PRIORITY,
  /// The one that began to wait last.
  YOUNGEST,
  /// Nobody: it is logged, and they wait until their times are over.
  REPORT
}
