package dev.truce.lock;

/// Who of many does what only one may do: each candidate runs its body while it leads, and stands
/// again when it no longer does.
///
/// ```java
/// try (Candidacy mine = truce.election("scheduler").campaign(grant -> schedule(grant.fence()))) {
///   serve(mine::isLeading);
/// }
/// ```
///
/// An election is the lock of its name and nothing more: who leads holds it, who campaigns waits
/// for it in the order of arrival, and whoever takes that lock in any other way, `truce run`, say,
/// excludes the leaders. Immutable and free to make.
///
/// Leading is no exclusion, for a leader that was stopped does not know that it lost: hand the
/// grant's [fence][Grant#fence()] to whatever must not be done late.
public final class Election {
  /// What a leader does.
  @FunctionalInterface
  public interface Body {
    /// Leads. Returning ends the term, and so does throwing.
    ///
    /// @param grant what this member leads by; closing it gives the lead up
    /// @throws Exception whatever goes wrong, [InterruptedException] when the lead was lost
    void lead(Grant grant) throws Exception;
  }

  private final Locks room;
  private final NamedLock lock;

  Election(Locks room, NamedLock lock) {
    this.room = room;
    this.lock = lock;
  }

  public String name() {
    return lock.name();
  }

  /// Stands for election until the candidacy is closed. Returns at once; the body runs on a virtual
  /// thread. Two candidacies of one process are two candidates.
  ///
  /// @throws dev.truce.EngineException if the Truce is closed
  public Candidacy campaign(Body body) {
    Candidacy candidacy = new Candidacy(room, lock, body);
    candidacy.begin();
    return candidacy;
  }

  @Override
  public String toString() {
    return name();
  }
}
