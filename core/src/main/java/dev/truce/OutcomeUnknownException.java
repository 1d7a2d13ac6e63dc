package dev.truce;

import org.jspecify.annotations.Nullable;

/// The engine was asked to change something and nobody can tell whether it did. Repeating the call
/// with the same id answers the first outcome; repeating it without may do it twice.
public final class OutcomeUnknownException extends TruceException {
  private static final long serialVersionUID = 1L;

  public OutcomeUnknownException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
