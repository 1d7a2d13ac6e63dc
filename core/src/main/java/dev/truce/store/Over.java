package dev.truce.store;

import java.util.Arrays;
import java.util.Iterator;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// Rows over other ones, whose keys they hide.
final class Over implements Iterator<Delta.Row> {
  private final Iterator<Delta.Row> upper;
  private final Iterator<Delta.Row> lower;
  private Delta.@Nullable Row above;
  private Delta.@Nullable Row below;

  Over(Iterator<Delta.Row> upper, Iterator<Delta.Row> lower) {
    this.upper = upper;
    this.lower = lower;
    this.above = next(upper);
    this.below = next(lower);
  }

  private static Delta.@Nullable Row next(Iterator<Delta.Row> rows) {
    return rows.hasNext() ? rows.next() : null;
  }

  @Override
  public boolean hasNext() {
    return above != null || below != null;
  }

  @Override
  public Delta.Row next() {
    Delta.Row over = above;
    Delta.Row under = below;
    if (over == null) {
      below = next(lower);
      return Objects.requireNonNull(under);
    }
    int order = under == null ? -1 : Arrays.compareUnsigned(over.key(), under.key());
    if (order >= 0) {
      below = next(lower);
    }
    if (under != null && order > 0) {
      return under;
    }
    above = next(upper);
    return over;
  }
}
