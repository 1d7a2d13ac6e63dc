package dev.truce.jackson;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.truce.Truce;
import dev.truce.store.ConflictException;
import dev.truce.store.Resolver;
import dev.truce.store.Store;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import tools.jackson.core.type.TypeReference;

class JacksonResolverTest {
  record Size(int width, int height) {}

  record Card(String title, Size size, List<String> tags) {}

  /// Of which two sides can each be right and both together not.
  record Range(int from, int to) {
    Range {
      if (from > to) {
        throw new IllegalArgumentException("from " + from + " to " + to);
      }
    }
  }

  private static final Card BASE = new Card("a", new Size(1, 1), List.of("t"));

  private final Truce truce = Truce.inMemory();

  @Test
  void fieldsOfDifferentNames_areBothKept_alsoInside() {
    assertThat(
            cards(
                theirs -> new Card(theirs.title(), new Size(1, 9), theirs.tags()),
                ours -> new Card("b", new Size(8, 1), ours.tags())))
        .isEqualTo(new Card("b", new Size(8, 9), List.of("t")));
  }

  @Test
  void whatBothHaveChangedAlike_isNoClash() {
    assertThat(
            cards(
                theirs -> new Card("b", theirs.size(), List.of("u")),
                ours -> new Card("b", ours.size(), ours.tags())))
        .isEqualTo(new Card("b", new Size(1, 1), List.of("u")));
  }

  @Test
  void whatBothHaveChanged_isRefused_andListsAreOneField() {
    assertThatThrownBy(() ->
            cards(
                theirs -> new Card("x", theirs.size(), theirs.tags()),
                ours -> new Card("y", ours.size(), ours.tags())))
        .isInstanceOf(ConflictException.class);
    assertThatThrownBy(() ->
            cards(
                theirs -> new Card("a", theirs.size(), List.of("t", "u")),
                ours -> new Card("a", ours.size(), List.of("t", "v"))))
        .isInstanceOf(ConflictException.class);
  }

  @Test
  void aFieldThatOneSideTookOut_isOut() {
    JacksonCodec<Map<String, Integer>> codec =
        JacksonCodec.of(new TypeReference<Map<String, Integer>>() {});
    assertThat(
            merged(
                truce
                    .store("maps", codec)
                    .withResolver(JacksonResolver.fields(codec, Resolver.refuse())),
                Map.of("a", 1, "b", 1),
                _ -> Map.of("b", 1),
                _ -> Map.of("a", 1, "b", 1, "c", 1)))
        .isEqualTo(Map.of("b", 1, "c", 1));
  }

  @Test
  void twoThatAreNoValueTogether_areAConflict() {
    JacksonCodec<Range> codec = JacksonCodec.of(Range.class);
    Store<Range> store = truce.store("ranges", codec);

    assertThat(
            merged(
                store.withResolver(JacksonResolver.fields(codec, Resolver.lastWriter())),
                new Range(3, 5),
                theirs -> new Range(theirs.from(), 4),
                ours -> new Range(5, ours.to())))
        .isEqualTo(new Range(5, 5));
    assertThatThrownBy(() ->
            merged(
                store.withResolver(JacksonResolver.fields(Range.class)),
                new Range(3, 5),
                theirs -> new Range(theirs.from(), 4),
                ours -> new Range(5, ours.to())))
        .isInstanceOf(ConflictException.class);
  }

  private Card cards(UnaryOperator<Card> theirs, UnaryOperator<Card> ours) {
    Store<Card> store =
        truce
            .store("cards", JacksonCodec.of(Card.class))
            .withResolver(JacksonResolver.fields(Card.class));
    return merged(store, BASE, theirs, ours);
  }

  /// What is there when both have changed it, theirs while ours was under way.
  private static <T> T merged(
      Store<T> store, T base, UnaryOperator<T> theirs, UnaryOperator<T> ours) {
    store.put("k", base);
    AtomicBoolean meanwhile = new AtomicBoolean();
    store.commit(draft -> {
      T read = draft.get("k").orElseThrow();
      if (meanwhile.compareAndSet(false, true)) {
        store.put("k", theirs.apply(read));
      }
      draft.put("k", ours.apply(read));
    });
    assertThat(meanwhile).isTrue();
    return store.get("k").orElseThrow();
  }
}
