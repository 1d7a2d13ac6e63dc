package dev.truce.file;

import dev.truce.Durability;
import dev.truce.spi.Capabilities;
import dev.truce.spi.Cells;
import dev.truce.spi.Engine;
import dev.truce.spi.Journal;
import dev.truce.spi.Members;
import dev.truce.spi.Ticker;

/// An engine that has one journal under whatever name, and shares the rest with another one.
record OneJournal(Journal journal, Durability durability, Engine rest) implements Engine {
  @Override
  public String place() {
    return "a journal";
  }

  @Override
  public String root() {
    return rest.root();
  }

  @Override
  public Capabilities capabilities() {
    return rest.capabilities();
  }

  @Override
  public Cells cells() {
    return rest.cells();
  }

  @Override
  public Members members() {
    return rest.members();
  }

  @Override
  public Ticker ticker() {
    return rest.ticker();
  }

  @Override
  public Journal journal(String name) {
    return journal;
  }

  @Override
  public void close() {
    rest.close();
  }
}
