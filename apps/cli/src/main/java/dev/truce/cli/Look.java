package dev.truce.cli;

import dev.truce.Truce;
import dev.truce.file.FileEngine;

/// How the verbs that only look open their root.
final class Look {
  private Look() {}

  static Truce at(Options options, Console console) {
    return at(Place.find(options, console), console);
  }

  static Truce at(Place place, Console console) {
    FileEngine engine = place.open(console);
    return Truce.builder()
        .engine(engine)
        .owner(System.getProperty("user.name", "somebody"))
        .host(Console.host())
        .open();
  }
}
