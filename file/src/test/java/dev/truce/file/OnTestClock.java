package dev.truce.file;

import dev.truce.spi.Capabilities;
import dev.truce.spi.Cells;
import dev.truce.spi.Engine;
import dev.truce.spi.Journal;
import dev.truce.spi.Members;
import dev.truce.spi.Ticker;
import dev.truce.testkit.EngineUnderTest;
import dev.truce.testkit.TestClock;
import java.time.Duration;

/// A directory of its own, on which all waiting runs on a test clock.
final class OnTestClock implements EngineUnderTest {
  private final FileUnderTest place = new FileUnderTest();
  private final TestClock clock = new TestClock();

  @Override
  public Engine open() {
    return new Handle(place.open(), clock);
  }

  @Override
  public void kill(Engine handle) {
    handle.close();
  }

  @Override
  public void pass(Duration time) {
    clock.advance(time);
  }

  @Override
  public boolean isAtRest() {
    return clock.isAtRest();
  }

  @Override
  public Duration term() {
    return place.term();
  }

  @Override
  public void close() {
    place.close();
  }

  private record Handle(Engine engine, TestClock clock) implements Engine {
    @Override
    public String place() {
      return engine.place();
    }

    @Override
    public String root() {
      return engine.root();
    }

    @Override
    public Capabilities capabilities() {
      return engine.capabilities();
    }

    @Override
    public Cells cells() {
      return engine.cells();
    }

    @Override
    public Members members() {
      return engine.members();
    }

    @Override
    public Journal journal(String name) {
      return engine.journal(name);
    }

    @Override
    public Ticker ticker() {
      return clock;
    }

    @Override
    public void close() {
      engine.close();
    }
  }
}
