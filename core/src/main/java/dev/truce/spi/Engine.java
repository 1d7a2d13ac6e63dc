package dev.truce.spi;

import dev.truce.Durability;

/// One place that many writers share: a directory, a database, this JVM's memory.
///
/// **Threads.** Safe for any number of them.
public interface Engine extends AutoCloseable {
  /// A short description for messages, without secrets: `/srv/app/.truce`, `memory`.
  String place();

  /// What tells what is shared here from all else, whatever it is called: every handle of one root
  /// says the same, and those of no other do.
  String root();

  Capabilities capabilities();

  Cells cells();

  Members members();

  Ticker ticker();

  /// The sequence of this name. The default keeps it in cells: exactly as durable as they are, and
  /// slow.
  default Journal journal(String name) {
    return Journal.over(cells(), capabilities().maxCell(), ticker(), name);
  }

  /// What a record survives that is [durable][Journal#durable()].
  default Durability durability() {
    return capabilities().durability();
  }

  /// Ends every membership that was joined through this handle. Idempotent.
  @Override
  void close();
}
