/// The `truce` command.
module dev.truce.cli {
  requires dev.truce.core;
  requires dev.truce.file;
  requires dev.truce.testkit;
  requires tools.jackson.core;
  requires static org.jspecify;
}
