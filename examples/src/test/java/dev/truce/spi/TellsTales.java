package dev.truce.spi;

import dev.truce.lock.NamedLock;

/// Breaks the rules on purpose, so that a test can see them held: an SPI that knows an
/// application's types, prints and exits.
final class TellsTales {

  private TellsTales() {}

  static void tell(NamedLock lock) {
    System.out.println(lock);
    System.exit(1);
  }
}
