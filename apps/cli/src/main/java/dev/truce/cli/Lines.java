package dev.truce.cli;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import org.jspecify.annotations.Nullable;

/// Lines of a stream as bytes, numbered from 1. What stands behind the last line break is a line,
/// too, unless it is nothing.
final class Lines {
  /// The longest one: the largest value, had every byte of it to be escaped.
  static final int LONGEST = 6 * (16 << 20) + (1 << 16);

  private static final int BUFFER = 1 << 16;

  private final String source;
  private final BufferedInputStream in;
  private long number;

  /// @param source what it is called in messages
  Lines(String source, InputStream in) {
    this.source = source;
    this.in = new BufferedInputStream(in, BUFFER);
  }

  /// The number of the line that was read last, 0 before the first.
  long number() {
    return number;
  }

  /// The next line without its end, null behind the last.
  ///
  /// @throws Failure if it cannot be read, or is longer than any that means something
  byte @Nullable [] next() {
    try {
      ByteArrayOutputStream line = new ByteArrayOutputStream();
      int b = in.read();
      if (b < 0) {
        return null;
      }
      number++;
      for (; b >= 0 && b != '\n'; b = in.read()) {
        line.write(b);
        if (line.size() > LONGEST) {
          throw malformed("has more than " + LONGEST + " bytes");
        }
      }
      return line.toByteArray();
    } catch (IOException unreadable) {
      throw Failure.unreadable(source, unreadable);
    }
  }

  /// That the line that was read last says nothing of use.
  Failure malformed(String why) {
    return Failure.usage(null, "line " + number + " " + why);
  }
}
