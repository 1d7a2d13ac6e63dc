package dev.truce.file;

import dev.truce.testkit.EngineUnderTest;
import dev.truce.testkit.FeedContract;
import dev.truce.testkit.Seed;

final class FileFeedTest extends FeedContract {
  @Override
  protected EngineUnderTest engineUnderTest(Seed seed) {
    return new FileUnderTest();
  }
}
