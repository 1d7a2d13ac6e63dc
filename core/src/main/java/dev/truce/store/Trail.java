package dev.truce.store;

import dev.truce.spi.Journal;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/// Goes through the commits that touched the store of one name, oldest first, as far as they are
/// safe.
///
/// **Threads.** One at a time.
final class Trail {
  private final Replica replica;
  private final String store;
  private final Deque<Journal.Entry> ahead = new ArrayDeque<>();
  private long position;
  private @Nullable Step next;

  /// A commit that touched the store.
  record Step(long revision, UUID id, CommitRecord commit) {}

  /// @param after behind which it begins
  Trail(Replica replica, String store, long after) {
    this.replica = replica;
    this.store = store;
    this.position = after;
  }

  /// Up to where everything has been passed.
  long position() {
    return position;
  }

  /// The next one, `null` if there is none yet; the same one until it was [passed][#pass()].
  ///
  /// @throws TooOldException if what comes next is not kept any more
  @Nullable Step next() {
    while (next == null) {
      if (ahead.isEmpty()) {
        ahead.addAll(replica.safeBehind(position));
      }
      Journal.Entry entry = ahead.peek();
      if (entry == null) {
        return null;
      }
      CommitRecord commit = replica.read(entry);
      if (commit != null && touches(commit)) {
        next = new Step(entry.position(), entry.commitId(), commit);
      } else {
        ahead.remove();
        position = entry.position();
      }
    }
    return next;
  }

  private boolean touches(CommitRecord commit) {
    return commit.stores().stream().anyMatch(named -> named.name().equals(store))
        || commit.replaces(store);
  }

  /// Goes on behind the next one.
  void pass() {
    Step passed = next;
    if (passed != null) {
      next = null;
      ahead.remove();
      position = passed.revision();
    }
  }

  /// Goes on behind a later revision.
  void skipTo(long revision) {
    next = null;
    ahead.clear();
    position = revision;
  }
}
