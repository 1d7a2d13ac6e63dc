package dev.truce.lock;

import dev.truce.TruceException;

/// The grant had ended before its body was done: somebody else may hold the lock. Nothing that was
/// guarded by its fence has happened since.
public final class LockLostException extends TruceException {
  private static final long serialVersionUID = 1L;

  private final String lock;
  private final long token;

  LockLostException(String lock, long token) {
    super("the grant of " + lock + " with token " + token + " was lost while its body ran");
    this.lock = lock;
    this.token = token;
  }

  public String lock() {
    return lock;
  }

  public long token() {
    return token;
  }
}
