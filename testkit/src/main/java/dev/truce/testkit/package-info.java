/// Proves that an engine keeps its promises, and that locks over it do.
///
/// To examine an engine, extend [dev.truce.testkit.CellsContract] and its neighbours, each of which
/// asks for an [dev.truce.testkit.EngineUnderTest]. To test code of one's own against the worst
/// that an engine may do, run it over a [dev.truce.testkit.HostileEngine] on a
/// [dev.truce.testkit.TestClock].
///
/// An engine that keeps files is crashed by [dev.truce.testkit.Crashes]: it reaches its disk
/// through a [dev.truce.spi.Storage], and runs on a [dev.truce.testkit.SimulatedMachine].
///
/// The checkers ([dev.truce.testkit.Referee], [dev.truce.testkit.LostUpdates],
/// [dev.truce.testkit.RegisterChecker]) and the [dev.truce.testkit.Farm] need no test framework.
@NullMarked
package dev.truce.testkit;

import org.jspecify.annotations.NullMarked;
