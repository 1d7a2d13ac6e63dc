/// The artifact index, an application of the store: [Index][dev.truce.index.Index] is what `truce
/// index` calls.
@NullMarked
package dev.truce.index;

import org.jspecify.annotations.NullMarked;
