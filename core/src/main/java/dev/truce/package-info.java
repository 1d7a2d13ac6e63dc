/// The door, [dev.truce.Truce], and the words every other package speaks in.
///
/// Start with `Truce.open(directory)`. Everything else here is vocabulary and depends on nothing.
/// `null` is refused everywhere with a `NullPointerException`.
@NullMarked
package dev.truce;

import org.jspecify.annotations.NullMarked;
