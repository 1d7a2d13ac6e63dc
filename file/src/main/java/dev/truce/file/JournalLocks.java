package dev.truce.file;

/// The bytes of `locks` that belong to one journal, from a first one on:
///
/// ```
///    0             shared by every process that has the journal open, exclusive for one alone
///    1             who flushes
///    2             who takes a checkpoint
/// 1024 + slot      exclusive for as long as the process in that slot has the journal open
/// 2048 + n % 1024  who appends to segment n
/// ```
///
/// All but the first and the slots are advice: they keep processes from doing the same work twice.
/// What is decided is decided by the words of the [control file][Control].
record JournalLocks(Locks locks, long first) {
  private static final int ALONE = 0;
  private static final int FLUSH = 1;
  private static final int CHECKPOINT = 2;
  private static final int SLOTS = 1024;
  private static final int APPEND = 2048;
  private static final int SEGMENTS = 1024;

  boolean tryAlone() {
    return locks.tryTake(first + ALONE, false);
  }

  boolean tryInside() {
    return locks.tryTake(first + ALONE, true);
  }

  void leave() {
    locks.release(first + ALONE);
  }

  boolean tryFlush() {
    return locks.tryTake(first + FLUSH, false);
  }

  void releaseFlush() {
    locks.release(first + FLUSH);
  }

  boolean tryCheckpoint() {
    return locks.tryTake(first + CHECKPOINT, false);
  }

  void releaseCheckpoint() {
    locks.release(first + CHECKPOINT);
  }

  boolean trySlot(int slot) {
    return locks.tryTake(first + SLOTS + slot, false);
  }

  void releaseSlot(int slot) {
    locks.release(first + SLOTS + slot);
  }

  boolean tryAppend(int segment) {
    return locks.tryTake(append(segment), false);
  }

  void releaseAppend(int segment) {
    locks.release(append(segment));
  }

  private long append(int segment) {
    return first + APPEND + segment % SEGMENTS;
  }
}
