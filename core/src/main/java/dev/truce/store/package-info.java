/// The versioned store: values by key, written by many, none of them lost without a word.
///
/// `Store` names a part of a root, `Snapshot` is one moment of it, `Draft` what a commit is to
/// write. What was read from is part of a commit, so a commit that rests on what others have
/// changed is refused, run again or resolved, and never just overwrites.
@NullMarked
package dev.truce.store;

import org.jspecify.annotations.NullMarked;
