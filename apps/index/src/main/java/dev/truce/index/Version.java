package dev.truce.index;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/// A version as semver.org has them, in the order of their precedence.
///
/// @param numbers major, minor and patch, and behind them nothing
/// @param before what stands behind the hyphen: such a version comes before the one without
record Version(List<String> numbers, List<String> before) implements Comparable<Version> {
  private static final Comparator<String> NUMBERS =
      Comparator.comparingInt(String::length).thenComparing(Comparator.naturalOrder());

  private static final Comparator<String> PARTS =
      Comparator.comparing((String part) -> !isNumber(part))
          .thenComparing(
              (one, other) -> isNumber(one) ? NUMBERS.compare(one, other) : one.compareTo(other));

  /// @throws IllegalArgumentException if it is none
  static Version of(String text) {
    Schema.require(Schema.VERSION, "version", text);
    String counted = text.split("\\+", 2)[0];
    String[] parts = counted.split("-", 2);
    return new Version(
        List.of(parts[0].split("\\.", -1)),
        parts.length == 1 ? List.of() : Arrays.asList(parts[1].split("\\.", -1)));
  }

  /// What is built of the same version in another way is equal here.
  @Override
  public int compareTo(Version other) {
    int order = compare(numbers, other.numbers, NUMBERS);
    if (order != 0) {
      return order;
    }
    if (before.isEmpty() || other.before.isEmpty()) {
      return Boolean.compare(before.isEmpty(), other.before.isEmpty());
    }
    return compare(before, other.before, PARTS);
  }

  /// Without what it was built of.
  @Override
  public String toString() {
    return String.join(".", numbers) + (before.isEmpty() ? "" : "-" + String.join(".", before));
  }

  private static int compare(List<String> some, List<String> others, Comparator<String> by) {
    List<Integer> orders = new ArrayList<>();
    for (int i = 0; i < Math.min(some.size(), others.size()); i++) {
      orders.add(by.compare(some.get(i), others.get(i)));
    }
    orders.add(Integer.compare(some.size(), others.size()));
    return orders.stream().filter(order -> order != 0).findFirst().orElse(0);
  }

  private static boolean isNumber(String part) {
    return part.chars().allMatch(c -> c >= '0' && c <= '9');
  }
}
