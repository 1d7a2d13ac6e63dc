/// The `truce` command: parses, calls the library, prints, exits.
@NullMarked
package dev.truce.cli;

import org.jspecify.annotations.NullMarked;
