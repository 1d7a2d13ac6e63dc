package dev.truce.lock;

import dev.truce.TruceException;

/// What was held, or the place that was kept, has ended: somebody else may hold the lock. Nothing
/// that was guarded by its fence has happened since. Trying the same again never helps.
public final class LockLostException extends TruceException {
  private static final long serialVersionUID = 1L;

  private final String lock;
  private final long token;

  LockLostException(String lock, long token) {
    this(
        lock,
        token,
        "the grant of "
            + lock
            + " with token "
            + token
            + " was ended by somebody else; to go on, take the lock anew");
  }

  LockLostException(String lock, long token, String message) {
    super(message);
    this.lock = lock;
    this.token = token;
  }

  public String lock() {
    return lock;
  }

  /// The token that is no longer current, 0 for a place in the queue.
  public long token() {
    return token;
  }
}
