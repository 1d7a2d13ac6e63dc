package dev.truce;

import org.jspecify.annotations.Nullable;

/// The engine underneath cannot keep its promise: it is unreachable, damaged, full, refused or of
/// another format. Nothing was granted and nothing was released by the call that threw it.
public final class EngineException extends TruceException {
  private static final long serialVersionUID = 1L;

  /// What kind of trouble it is, so that a caller can branch without reading messages.
  public enum Kind {
    /// The engine does not answer. Waiting may help.
    UNREACHABLE,
    /// What is stored is damaged and was not served.
    DAMAGED,
    /// The place is refused: a file system without the promises Truce needs, a copied root.
    REFUSED_PLACE,
    /// A disk is full or failed.
    IO,
    /// The operating system does not permit it.
    NOT_PERMITTED,
    /// There is no root here, or it was written by a newer release.
    CONFIGURATION,
    /// This handle was closed.
    CLOSED
  }

  private final Kind kind;

  public EngineException(Kind kind, String message) {
    this(kind, message, null);
  }

  public EngineException(Kind kind, String message, @Nullable Throwable cause) {
    super(message, cause);
    this.kind = kind;
  }

  public Kind kind() {
    return kind;
  }

  @Override
  public boolean retryable() {
    return kind == Kind.UNREACHABLE;
  }
}
