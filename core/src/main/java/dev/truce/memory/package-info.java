/// The engine for one JVM: [dev.truce.memory.MemoryEngine], for tests and for threads that need no
/// other process. What it holds ends with the last handle on it.
@NullMarked
package dev.truce.memory;

import org.jspecify.annotations.NullMarked;
