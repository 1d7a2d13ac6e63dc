/// The promises Truce makes and the JVM-only way to keep them. Opens no file, needs no native
/// access.
module dev.truce.core {
  requires jdk.jfr;
  requires static transitive org.jspecify;

  exports dev.truce;
  exports dev.truce.event;
  exports dev.truce.lock;
  exports dev.truce.memory;
  exports dev.truce.spi;
  exports dev.truce.store;

  uses dev.truce.spi.EngineProvider;
}
