/// The engine of a directory: [FileEngine][dev.truce.file.FileEngine] opens one.
///
/// Cells lie in shared memory and are never locked; who is alive is what the kernel says; tokens
/// are reserved on disk before they are drawn. `docs/on-disk.md` describes every file.
@NullMarked
package dev.truce.file;

import org.jspecify.annotations.NullMarked;
