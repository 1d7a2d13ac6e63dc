package dev.truce.store;

import java.util.Arrays;

/// What a commit made of a key: a value, which lies in the bytes of the commit's record, or its
/// removal.
///
/// @param revision of the commit
record Item(long revision, byte[] record, int offset, int length) {
  private static final int REMOVED = -1;

  static Item removed(long revision) {
    return new Item(revision, new byte[0], 0, REMOVED);
  }

  static Item of(long revision, byte[] value) {
    return new Item(revision, value, 0, value.length);
  }

  boolean live() {
    return length != REMOVED;
  }

  byte[] value() {
    return Arrays.copyOfRange(record, offset, offset + length);
  }
}
