package dev.truce;

import org.jspecify.annotations.Nullable;

/// The root of everything Truce throws: unchecked, with a message that says what happened, to what,
/// and what to do next.
public class TruceException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public TruceException(String message) {
    super(message);
  }

  public TruceException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }

  /// Whether doing the same again later can help. Never true where the outcome of the first attempt
  /// is unknown.
  public boolean retryable() {
    return false;
  }
}
