package dev.truce.cli;

import dev.truce.Truce;
import dev.truce.lock.LockStatus;
import dev.truce.lock.LockStatus.Holder;
import dev.truce.lock.LockWait;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// What lies behind a lock: the locks that its holders wait for, those that the holders of these
/// wait for, and so on. Looked at one after the other, so it is no picture of one moment.
record Behind(List<LockWait> waits, Map<String, LockStatus> locks) {
  static final Behind NOTHING = new Behind(List.of(), Map.of());

  /// So many locks are looked at, at most.
  private static final int MOST = 100;

  static Behind of(Truce truce, LockStatus status) {
    if (status.holders().isEmpty()) {
      return NOTHING;
    }
    Behind behind = new Behind(truce.waits(), new HashMap<>());
    ArrayDeque<LockStatus> next = new ArrayDeque<>(List.of(status));
    behind.locks.put(status.lock(), status);
    while (!next.isEmpty() && behind.locks.size() < MOST) {
      LockStatus at = next.remove();
      for (Holder holder : at.holders()) {
        for (LockWait wait : behind.of(at.lock(), holder)) {
          if (!behind.locks.containsKey(wait.lock())) {
            LockStatus further = truce.lock(wait.lock()).status();
            behind.locks.put(wait.lock(), further);
            next.add(further);
          }
        }
      }
    }
    return behind;
  }

  /// What this holder waits for.
  List<LockWait> of(String lock, Holder holder) {
    return waits.stream().filter(wait -> wait.isOf(lock, holder)).toList();
  }

  /// What is waited for.
  LockStatus at(LockWait wait) {
    LockStatus status = locks.get(wait.lock());
    return status == null
        ? new LockStatus(wait.lock(), LockStatus.State.FREE, 0, 1, List.of(), List.of())
        : status;
  }
}
