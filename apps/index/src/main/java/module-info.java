/// The artifact index: `truce index`.
module dev.truce.index {
  requires dev.truce.core;
  requires dev.truce.file;
  requires dev.truce.jackson;
  requires tools.jackson.databind;
  requires static org.jspecify;

  opens dev.truce.index to
      tools.jackson.databind;
}
