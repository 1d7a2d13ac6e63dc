package dev.truce.file;

/// Sixteen heads that stand for one: what a crowded leaf becomes, for good.
///
/// ```
///   0  head 0
///  16  version   8  what the children's versions go on from
///  24  epoch     8  what they say of absent keys until they delete one themselves
///  32  parent    8  the address of the head that publishes this
///  64  head 1
/// ...
/// 960  head 15
/// ```
///
/// The root's 4096 heads take the upper 12 bits of the hash, each branch the next four.
final class Branch {
  static final int CHILDREN = 16;
  static final int BYTES = CHILDREN * Head.BYTES;
  static final int VERSION = 16;
  static final int EPOCH = 24;
  static final int PARENT = 32;

  private static final int ROOT_BITS = 12;
  private static final int CHILD_BITS = 4;

  /// Below this the hash has no more bits, and a leaf is as large as it is.
  static final int MAX_DEPTH = (Long.SIZE - ROOT_BITS) / CHILD_BITS;

  private Branch() {}

  static int root(long hash) {
    return (int) (hash >>> (Long.SIZE - ROOT_BITS));
  }

  /// Which child of the branch at this depth (0 below the root's heads) a hash goes to.
  static int child(long hash, int depth) {
    return (int) (hash >>> (Long.SIZE - ROOT_BITS - (depth + 1) * CHILD_BITS)) & (CHILDREN - 1);
  }
}
