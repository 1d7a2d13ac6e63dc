/// What happened, for whoever listens: a [TruceListener][dev.truce.event.TruceListener] is told of
/// every [TruceEvent][dev.truce.event.TruceEvent] of one handle. None of it decides anything.
@NullMarked
package dev.truce.event;

import org.jspecify.annotations.NullMarked;
