/// The engine in a directory: the only room that syncs a disk and the only one with native access.
module dev.truce.file {
  requires transitive dev.truce.core;
  requires static transitive org.jspecify;

  exports dev.truce.file;

  provides dev.truce.spi.EngineProvider with
      dev.truce.file.FileEngineProvider;
}
