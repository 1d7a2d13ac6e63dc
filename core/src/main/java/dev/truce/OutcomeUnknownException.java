package dev.truce;

import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/// The engine was asked to change something and nobody can tell whether it did. Repeating the call
/// with the same id answers the first outcome; repeating it without may do it twice.
public final class OutcomeUnknownException extends TruceException {
  private static final long serialVersionUID = 1L;

  private final @Nullable UUID id;

  public OutcomeUnknownException(String message, @Nullable Throwable cause) {
    this(message, cause, null);
  }

  /// @param id under which repeating the call answers the first outcome
  public OutcomeUnknownException(String message, @Nullable Throwable cause, @Nullable UUID id) {
    super(message, cause);
    this.id = id;
  }

  /// The id under which repeating the call answers the first outcome, where it had one.
  public Optional<UUID> id() {
    return Optional.ofNullable(id);
  }
}
