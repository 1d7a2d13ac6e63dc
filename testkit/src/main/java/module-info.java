/// The exam an engine sits: conformance suites, process farm, crashes, history checkers, test
/// clock.
///
/// The suites need JUnit on the path, and mutants of sources a compiler; everything else runs
/// without them.
module dev.truce.testkit {
  requires static java.compiler;
  requires transitive dev.truce.core;
  requires static transitive org.jspecify;
  requires static transitive org.junit.jupiter.api;

  exports dev.truce.testkit;
}
