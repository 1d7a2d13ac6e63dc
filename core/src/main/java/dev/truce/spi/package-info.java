/// What an engine implements, and nothing an application calls.
///
/// An engine gives three nouns, [Cells][dev.truce.spi.Cells], a [Journal][dev.truce.spi.Journal]
/// and [Members][dev.truce.spi.Members], and says as data what it can and cannot promise. Every
/// decision is made above it by a pure state machine.
@NullMarked
package dev.truce.spi;

import org.jspecify.annotations.NullMarked;
