/// The exam an engine sits: conformance suites, process farm, history checkers, test clock.
module dev.truce.testkit {
  requires transitive dev.truce.core;
  requires static transitive org.jspecify;
}
