/// Locks: named, for readers and writers, in order of arrival, with a token for every grant.
///
/// Begin with `Truce.lock(name)`, which gives a [NamedLock][dev.truce.lock.NamedLock]; what it
/// hands out is a [Grant][dev.truce.lock.Grant].
@NullMarked
package dev.truce.lock;

import org.jspecify.annotations.NullMarked;
