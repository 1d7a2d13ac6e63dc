package dev.truce.examples;

import dev.truce.Truce;
import dev.truce.lock.LockSet;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/// Money between accounts, each with a lock of its own. Both are locked for a transfer: together or
/// not at all, and whatever order the caller names them in, transfers never wait for each other in
/// a ring.
final class Transfers {
  private static final Duration PATIENCE = Duration.ofMinutes(1);

  private final Truce truce;
  private final Map<String, Long> balances;

  /// @param balances shared by all that transfer; guarded by the locks of the accounts
  Transfers(Truce truce, ConcurrentHashMap<String, Long> balances) {
    this.truce = truce;
    this.balances = balances;
  }

  void move(String from, String to, long amount) throws InterruptedException {
    try (LockSet.Held _ = truce.locks(truce.lock(from), truce.lock(to)).acquire(PATIENCE)) {
      balances.put(from, balance(from) - amount);
      balances.put(to, balance(to) + amount);
    }
  }

  private long balance(String account) {
    return balances.getOrDefault(account, 0L);
  }
}
