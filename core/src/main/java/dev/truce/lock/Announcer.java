package dev.truce.lock;

import dev.truce.event.EngineEvent;
import dev.truce.event.TruceEvent;
import dev.truce.event.TruceListener;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/// Tells one listener, on a thread of its own that begins with the first event, so that nobody
/// waits for it.
///
/// **Threads.** Safe for any number of them.
final class Announcer {
  /// How many events may wait for the listener.
  static final int ROOM = 1_024;

  /// For how long closing waits for it.
  private static final Duration LAST_WORDS = Duration.ofSeconds(1);

  private final TruceListener listener;
  private final ArrayBlockingQueue<TruceEvent> queue = new ArrayBlockingQueue<>(ROOM);
  private final AtomicLong dropped = new AtomicLong();
  private final AtomicBoolean begun = new AtomicBoolean();
  private volatile boolean closed;
  private volatile @Nullable Thread thread;
  private boolean complained;

  /// Stands in the queue where nothing more is to come, and wakes the thread.
  private record End(Instant at) implements EngineEvent {}

  Announcer(TruceListener listener) {
    this.listener = listener;
  }

  /// One for each. Without a lambda: every start of a command comes by here.
  static List<Announcer> of(List<TruceListener> listeners) {
    List<Announcer> all = new ArrayList<>(listeners.size());
    for (TruceListener listener : listeners) {
      all.add(new Announcer(listener));
    }
    return List.copyOf(all);
  }

  void tell(TruceEvent event) {
    if (closed) {
      return;
    }
    if (!queue.offer(event)) {
      dropped.incrementAndGet();
    }
    if (!begun.get() && begun.compareAndSet(false, true)) {
      thread = Thread.ofVirtual().name("truce-listener").start(this::deliverAll);
    }
  }

  private void deliverAll() {
    try {
      for (TruceEvent event = next(); !(event instanceof End); event = next()) {
        long missed = dropped.getAndSet(0);
        if (missed > 0) {
          deliver(new EngineEvent.EventsDropped(event.at(), missed));
        }
        deliver(event);
      }
    } catch (InterruptedException closedForLong) {
      // what is left is told to nobody
    }
  }

  private TruceEvent next() throws InterruptedException {
    TruceEvent event = closed ? queue.poll() : queue.take();
    return event == null ? new End(Instant.EPOCH) : event;
  }

  private void deliver(TruceEvent event) {
    try {
      listener.on(event);
    } catch (RuntimeException | Error failure) {
      Log.LOG.log(
          complained ? System.Logger.Level.DEBUG : System.Logger.Level.WARNING,
          "a listener threw, and will be told of what comes all the same",
          failure);
      complained = true;
    }
  }

  void close() {
    closed = true;
    boolean _ = queue.offer(new End(Instant.EPOCH)); // a full queue wakes it, too
    Thread telling = thread;
    if (telling == null || telling.equals(Thread.currentThread())) {
      return;
    }
    try {
      if (telling.join(LAST_WORDS)) {
        return;
      }
    } catch (InterruptedException hurried) {
      Thread.currentThread().interrupt();
    }
    telling.interrupt();
  }
}
