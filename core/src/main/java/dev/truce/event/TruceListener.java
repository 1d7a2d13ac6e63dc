package dev.truce.event;

/// Is told what one handle does and sees, one event after the other.
///
/// **Threads.** Each listener has a virtual thread of its own, so it may block: it holds up nobody,
/// neither a lock nor another listener. While 1,024 events wait for it, further ones are dropped,
/// and it is [told][EngineEvent.EventsDropped] how many. What it throws is logged.
///
/// **Order.** That in which they came. What two threads do at the same time may come in either
/// order; the tokens tell that of the grants.
///
/// **End.** When the handle is closed, what waits is still delivered, for a second at most; then
/// the thread is interrupted.
@FunctionalInterface
public interface TruceListener {
  /// Something happened.
  void on(TruceEvent event);
}
