package dev.truce.file;

import dev.truce.spi.Cells;
import java.util.List;

/// The cells of one handle.
///
/// A handle is closed before its process leaves the root, and each call looks whether it is closed
/// once more when it is done. So what a call answers was done inside: a swap that lands after the
/// process has left, when somebody alone may already have replaced the file, is never called won,
/// and a number that was drawn then is never given out.
final class FileCells implements Cells {
  private final Root root;
  private volatile boolean closed;

  FileCells(Root root) {
    this.root = root;
  }

  void close() {
    closed = true;
  }

  @Override
  public Cell read(String key) {
    refuseClosed();
    try {
      Cell cell = root.trie().read(key);
      refuseClosed();
      return cell;
    } catch (InternalError e) {
      throw Faults.unmapped(root.directory().path(), e);
    }
  }

  @Override
  public Swap swap(String key, Cell expected, byte[] next) {
    refuseClosed();
    try {
      Swap swap = root.trie().swap(key, expected, next);
      return closed ? new Swap.Unknown("the handle was closed meanwhile") : swap;
    } catch (InternalError e) {
      throw Faults.unmapped(root.directory().path(), e);
    }
  }

  @Override
  public List<String> keys(String prefix) {
    refuseClosed();
    List<String> keys = root.guarded(() -> root.trie().keys(prefix));
    refuseClosed();
    return keys;
  }

  @Override
  public long draw(int count) {
    refuseClosed();
    long first = root.guarded(() -> root.tokens().draw(count));
    refuseClosed();
    return first;
  }

  private void refuseClosed() {
    if (closed) {
      throw Faults.closed(root.directory().path());
    }
  }
}
