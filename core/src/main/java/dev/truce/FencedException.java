package dev.truce;

/// A guarded write arrived with a token that is no longer current, and nothing was written.
public final class FencedException extends TruceException {
  private static final long serialVersionUID = 1L;

  private final transient Fence fence;

  public FencedException(Fence fence, String message) {
    super(message);
    this.fence = fence;
  }

  /// The condition that no longer held.
  public Fence fence() {
    return fence;
  }
}
