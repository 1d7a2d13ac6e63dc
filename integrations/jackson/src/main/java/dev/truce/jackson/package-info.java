/// Values of a store as JSON: [JacksonCodec][dev.truce.jackson.JacksonCodec] makes a codec of a
/// class.
@NullMarked
package dev.truce.jackson;

import org.jspecify.annotations.NullMarked;
