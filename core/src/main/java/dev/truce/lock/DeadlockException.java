package dev.truce.lock;

/// Waiting for this lock could never have ended, because those it would have waited for wait for
/// the caller. Of a ring of waits one is chosen, by the [policy][DeadlockPolicy] of whoever saw the
/// ring, and told who is in it: [Refusal#cycle()]. Giving back what the caller holds, and beginning
/// again, helps.
public final class DeadlockException extends NotAcquiredException {
  private static final long serialVersionUID = 1L;

  DeadlockException(Refusal refusal) {
    super(refusal);
  }
}
