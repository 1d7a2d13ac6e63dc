/// Values of a store as JSON, by Jackson 3.
module dev.truce.jackson {
  requires transitive dev.truce.core;
  requires transitive tools.jackson.databind;
  requires static transitive org.jspecify;

  exports dev.truce.jackson;
}
