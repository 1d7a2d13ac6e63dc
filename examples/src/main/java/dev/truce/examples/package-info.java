/// Every sample of the documentation, compiled with it and run by the tests.
@NullMarked
package dev.truce.examples;

import org.jspecify.annotations.NullMarked;
