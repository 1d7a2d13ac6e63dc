package dev.truce.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.truce.Owner;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class ResolverTest {
  private static final Owner SOMEBODY = new Owner("w", "h", 1);

  private static <V> Conflict<V> conflict(@Nullable V base, @Nullable V ours, @Nullable V theirs) {
    return new Conflict<>(
        "s",
        "k",
        Optional.ofNullable(base),
        Optional.ofNullable(ours),
        Optional.ofNullable(theirs),
        1,
        2,
        SOMEBODY,
        SOMEBODY,
        Instant.EPOCH);
  }

  @Test
  void lastWriter_isOurs() {
    Resolver<String> resolver = Resolver.lastWriter();
    assertThat(resolver.resolve(conflict("a", "b", "c"))).isEqualTo(Resolution.use("b"));
    assertThat(resolver.resolve(conflict("a", null, "c"))).isEqualTo(Resolution.remove());
    assertThat(resolver.resolve(conflict("a", "b", null))).isEqualTo(Resolution.use("b"));
  }

  @Test
  void sum_isWhatBothHaveAdded() {
    Resolver<Long> sum = Resolver.sum();
    assertThat(sum.resolve(conflict(10L, 15L, 12L))).isEqualTo(Resolution.use(17L));
    assertThat(sum.resolve(conflict(null, 1L, 1L))).isEqualTo(Resolution.use(2L));
    assertThat(sum.resolve(conflict(10L, 7L, null))).isEqualTo(Resolution.use(-3L));
    assertThat(sum.resolve(conflict(10L, null, 12L))).isEqualTo(Resolution.use(2L));
    assertThat(sum.resolve(conflict(10L, null, null))).isEqualTo(Resolution.keepTheirs());
    assertThatExceptionOfType(ArithmeticException.class)
        .isThrownBy(() -> sum.resolve(conflict(0L, Long.MAX_VALUE, 1L)));
  }

  @Test
  void max_isTheGreaterOne() {
    Resolver<Long> max = Resolver.max(Comparator.naturalOrder());
    assertThat(max.resolve(conflict(1L, 5L, 3L))).isEqualTo(Resolution.use(5L));
    assertThat(max.resolve(conflict(1L, 3L, 5L))).isEqualTo(Resolution.keepTheirs());
    assertThat(max.resolve(conflict(1L, 5L, 5L))).isEqualTo(Resolution.keepTheirs());
    assertThat(max.resolve(conflict(1L, 0L, null))).isEqualTo(Resolution.use(0L));
    assertThat(max.resolve(conflict(1L, null, 0L))).isEqualTo(Resolution.keepTheirs());
    assertThat(max.resolve(conflict(1L, null, null))).isEqualTo(Resolution.keepTheirs());
  }

  @Test
  void sets_haveWhatEitherAdded_andNotWhatEitherTookOut() {
    Resolver<Set<String>> sets = Resolver.sets();
    assertThat(
            sets.resolve(conflict(Set.of("a", "b", "c"), Set.of("a", "c", "x"), Set.of("b", "c"))))
        .isEqualTo(Resolution.use(Set.of("c", "x")));
    assertThat(sets.resolve(conflict(null, Set.of("x"), Set.of("y"))))
        .isEqualTo(Resolution.use(Set.of("x", "y")));
    assertThat(sets.resolve(conflict(Set.of("a"), null, Set.of("a", "y"))))
        .isEqualTo(Resolution.use(Set.of("y")));
    assertThat(sets.resolve(conflict(Set.of("a"), null, Set.of()))).isEqualTo(Resolution.remove());
    assertThat(sets.resolve(conflict(Set.of("a"), Set.of("a", "x"), null)))
        .isEqualTo(Resolution.use(Set.of("x")));
    assertThat(sets.resolve(conflict(Set.of("a"), Set.of(), Set.of("a"))))
        .isEqualTo(Resolution.use(Set.of()));
  }

  @Test
  void fields_eachOfTheSideThatChangedIt() {
    Resolver<Map<String, Integer>> fields =
        Resolver.fields(_ -> {
          throw new AssertionError("nothing is disputed");
        });
    assertThat(
            fields.resolve(
                conflict(
                    Map.of("same", 1, "mine", 1, "theirs", 1, "gone", 1, "alike", 1),
                    Map.of("same", 1, "mine", 2, "theirs", 1, "alike", 3, "new", 9),
                    Map.of("same", 1, "mine", 1, "theirs", 2, "gone", 1, "alike", 3, "other", 8))))
        .isEqualTo(
            Resolution.use(
                Map.of("same", 1, "mine", 2, "theirs", 2, "alike", 3, "new", 9, "other", 8)));
    assertThat(fields.resolve(conflict(null, Map.of("a", 1), Map.of("b", 2))))
        .isEqualTo(Resolution.use(Map.of("a", 1, "b", 2)));
    assertThat(fields.resolve(conflict(Map.of("a", 1), null, null)))
        .isEqualTo(Resolution.keepTheirs());
  }

  @Test
  void fields_changedByBoth_areAskedAboutAlone() {
    Map<String, Integer> base = Map.of("both", 1, "mine", 1, "removed", 1);
    Map<String, Integer> ours = Map.of("both", 2, "mine", 2);
    Map<String, Integer> theirs = Map.of("both", 3, "mine", 1, "removed", 2, "other", 4);
    List<Conflict<Map<String, Integer>>> about = new ArrayList<>();
    Resolver<Map<String, Integer>> last = Resolver.lastWriter();
    assertThat(
            Resolver.<Integer>fields(
                    c -> {
                      about.add(c);
                      return last.resolve(c);
                    })
                .resolve(conflict(base, ours, theirs)))
        .isEqualTo(Resolution.use(Map.of("both", 2, "mine", 2, "other", 4)));
    assertThat(about.getFirst().base()).hasValue(Map.of("both", 1, "removed", 1));
    assertThat(about.getFirst().ours()).hasValue(Map.of("both", 2));
    assertThat(about.getFirst().theirs()).hasValue(Map.of("both", 3, "removed", 2));

    assertThat(answered(base, ours, theirs, Resolution.keepTheirs()))
        .isEqualTo(Resolution.use(Map.of("both", 3, "mine", 2, "removed", 2, "other", 4)));
    assertThat(answered(base, ours, theirs, Resolution.remove()))
        .isEqualTo(Resolution.use(Map.of("mine", 2, "other", 4)));
    assertThat(answered(base, ours, theirs, Resolution.refuse())).isEqualTo(Resolution.refuse());
    assertThat(answered(base, ours, theirs, Resolution.rerun())).isEqualTo(Resolution.rerun());
    assertThat(answered(base, null, theirs, Resolution.refuse())).isEqualTo(Resolution.refuse());
    assertThat(answered(base, ours, null, Resolution.remove())).isEqualTo(Resolution.remove());
  }

  private static Resolution<Map<String, Integer>> answered(
      Map<String, Integer> base,
      @Nullable Map<String, Integer> ours,
      @Nullable Map<String, Integer> theirs,
      Resolution<Map<String, Integer>> answer) {
    return Resolver.<Integer>fields(_ -> answer).resolve(conflict(base, ours, theirs));
  }
}
