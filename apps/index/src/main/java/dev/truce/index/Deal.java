package dev.truce.index;

import java.util.ArrayDeque;
import java.util.BitSet;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalInt;

/// Which writer does which batch, and which are done: what a writer leaves behind is dealt again.
/// Decides; touches nothing.
///
/// Doing a batch twice is the same as doing it once, so one that takes long, because its writer was
/// stopped, say, is also given to one that has nothing else to do.
final class Deal {
  /// Of how many writers a batch may be the last thing they did.
  static final int DEATHS = 3;

  private final Deque<Integer> waiting = new ArrayDeque<>();
  private final Map<Integer, Out> out = new HashMap<>();
  private final BitSet done = new BitSet();
  private final int[] deaths;
  private final long patienceNanos;

  private record Out(int batch, long since) {}

  Deal(int batches, long patienceNanos) {
    this.deaths = new int[batches];
    this.patienceNanos = patienceNanos;
    for (int batch = 0; batch < batches; batch++) {
      waiting.add(batch);
    }
  }

  /// The next batch for a writer that has none; none if there is nothing for it now.
  OptionalInt next(int writer, long now) {
    Integer batch = waiting.poll();
    int found = batch != null ? batch : slow(now);
    if (found < 0) {
      return OptionalInt.empty();
    }
    out.put(writer, new Out(found, now));
    return OptionalInt.of(found);
  }

  /// One that a single writer has had for too long.
  private int slow(long now) {
    return out.values().stream()
        .filter(one -> now - one.since >= patienceNanos && !done.get(one.batch))
        .filter(one -> out.values().stream().filter(o -> o.batch == one.batch).count() == 1)
        .mapToInt(Out::batch)
        .min()
        .orElse(-1);
  }

  /// A writer has done its batch; false if another one had done it before.
  boolean done(int writer) {
    Out one = out.remove(writer);
    if (one == null || done.get(one.batch)) {
      return false;
    }
    done.set(one.batch);
    return true;
  }

  /// A writer is no more. The batch that it had, if nobody else has it or has done it, is the next
  /// one.
  OptionalInt gone(int writer) {
    Out one = out.remove(writer);
    if (one == null || done.get(one.batch)) {
      return OptionalInt.empty();
    }
    deaths[one.batch]++;
    if (out.values().stream().noneMatch(other -> other.batch == one.batch)) {
      waiting.addFirst(one.batch);
    }
    return OptionalInt.of(one.batch);
  }

  /// Whether so many writers have ended over it that the next one would, too.
  boolean isHopeless(int batch) {
    return deaths[batch] >= DEATHS;
  }

  boolean isDone() {
    return done.cardinality() == deaths.length;
  }
}
