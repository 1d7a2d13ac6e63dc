/// What Truce costs beside its peers: `truce bench`. Begins at [Bench]; every row is a [Row] and
/// answers with [Comparison]s.
@NullMarked
package dev.truce.benchmarks;

import org.jspecify.annotations.NullMarked;
