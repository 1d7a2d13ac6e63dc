package dev.truce.lock;

import dev.truce.TruceException;

/// The lock was not had, and nothing is left behind. Waiting longer, or trying again, can help,
/// unless there is [another number of permits][Refusal.Kind#OTHER_LIMIT].
public class NotAcquiredException extends TruceException {
  private static final long serialVersionUID = 1L;

  private final transient Refusal refusal;

  NotAcquiredException(Refusal refusal) {
    super(refusal.toString());
    this.refusal = refusal;
  }

  /// Who stands in the way, and why.
  public Refusal refusal() {
    return refusal;
  }

  @Override
  public boolean retryable() {
    return refusal.kind() != Refusal.Kind.OTHER_LIMIT;
  }
}
