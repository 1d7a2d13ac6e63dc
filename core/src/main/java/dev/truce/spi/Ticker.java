package dev.truce.spi;

/// Time as an engine counts it, and waiting for it: the seam through which tests move time.
///
/// Readings are nanoseconds since the host started, the same for all processes of one host, never
/// stepping back. They end with the boot.
public interface Ticker {
  /// Now.
  long nanos();

  /// Parks the calling thread until it is unparked, interrupted, or `deadline` has come, or for no
  /// reason, exactly like [LockSupport#park()]. [Long#MAX_VALUE] is never, and [Long#MIN_VALUE] has
  /// always come.
  void park(Object blocker, long deadline);

  /// This process's own monotonic clock.
  static Ticker system() {
    return SystemTicker.INSTANCE;
  }
}
