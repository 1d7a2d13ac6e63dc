package dev.truce.file;

import dev.truce.spi.Cells;
import java.util.List;

/// The cells of one handle.
final class FileCells implements Cells {
  private final Root root;
  private volatile boolean closed;

  FileCells(Root root) {
    this.root = root;
  }

  void close() {
    closed = true;
  }

  private void refuseClosed() {
    if (closed) {
      throw Faults.closed(root.directory().path());
    }
  }

  @Override
  public Cell read(String key) {
    refuseClosed();
    try {
      return root.trie().read(key);
    } catch (IllegalStateException | InternalError e) {
      throw root.translated(e);
    }
  }

  @Override
  public Swap swap(String key, Cell expected, byte[] next) {
    refuseClosed();
    try {
      return root.trie().swap(key, expected, next);
    } catch (IllegalStateException | InternalError e) {
      throw root.translated(e);
    }
  }

  @Override
  public List<String> keys(String prefix) {
    refuseClosed();
    return root.guarded(() -> root.trie().keys(prefix));
  }

  @Override
  public long draw(int count) {
    refuseClosed();
    return root.guarded(() -> root.tokens().draw(count));
  }
}
