package dev.truce.jackson;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.annotation.JsonTypeInfo;
import com.fasterxml.jackson.annotation.JsonValue;
import dev.truce.Truce;
import dev.truce.TruceException;
import dev.truce.store.Codec;
import dev.truce.store.Snapshot;
import dev.truce.store.Store;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import tools.jackson.core.JacksonException;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.exc.UnrecognizedPropertyException;
import tools.jackson.databind.json.JsonMapper;

/// What is written is read again or refused, and never something else.
class JacksonCodecTest {
  enum Status {
    DRAFT,
    APPROVED
  }

  record Doc(
      String title,
      int pages,
      Status status,
      Optional<String> note,
      Map<String, Set<String>> labels,
      Instant created) {}

  @JsonTypeInfo(use = JsonTypeInfo.Id.SIMPLE_NAME)
  sealed interface Shape {}

  record Circle(double radius) implements Shape {}

  record Square(double side) implements Shape {}

  record Disc(double radius) {}

  record Odd(@JsonValue @Nullable String text) {}

  private static final Doc DOC =
      new Doc(
          "Ünïcode \u0000 \" \uD83D\uDE00",
          7,
          Status.APPROVED,
          Optional.empty(),
          Map.of("a", new TreeSet<>(Set.of("x", "y"))),
          Instant.parse("2026-01-05T10:20:00.123456789Z"));

  private final Truce truce = Truce.inMemory();
  private final Codec<Doc> docs = JacksonCodec.of(Doc.class);

  @Test
  void record_putAndRead_isEqual() {
    Store<Doc> store = truce.store("docs", docs);

    store.put("one", DOC);
    store.commit(draft -> draft.put("two", draft.get("one").orElseThrow()));

    assertThat(store.get("one")).contains(DOC);
    assertThat(store.get("two")).contains(DOC);
  }

  @Test
  void listOfASealedType_keepsWhichOneEachIs() {
    Codec<List<Shape>> shapes = JacksonCodec.of(new TypeReference<List<Shape>>() {});
    List<Shape> some = List.of(new Circle(1.5), new Square(2));

    assertThat(shapes.decode(shapes.encode(some))).isEqualTo(some);
  }

  @Test
  void equalMaps_areEqualBytesWithSortedNames() {
    Codec<Map<String, Integer>> codec =
        JacksonCodec.of(new TypeReference<Map<String, Integer>>() {});
    Map<String, Integer> upwards = new LinkedHashMap<>();
    Map<String, Integer> downwards = new LinkedHashMap<>();
    for (int i = 0; i < 20; i++) {
      upwards.put("k" + i, i);
      downwards.put("k" + (19 - i), 19 - i);
    }

    assertThat(codec.encode(upwards)).isEqualTo(codec.encode(downwards));
    assertThat(text(codec.encode(new HashMap<>(Map.of("b", 1, "a", 2)))))
        .isEqualTo("{\"a\":2,\"b\":1}");
  }

  @Test
  void nameThatTheClassDoesNotHave_isRefusedByItsName() {
    assertThatThrownBy(() -> JacksonCodec.of(Disc.class).decode(utf8("{\"radius\":1,\"hue\":2}")))
        .isInstanceOf(UnrecognizedPropertyException.class)
        .hasMessageContaining("hue");
  }

  @Test
  void anythingBehindTheValue_isRefused() {
    Codec<Disc> circles = JacksonCodec.of(Disc.class);

    for (String more : List.of("{}", "1", "}", "x", "\u0000")) {
      assertThatThrownBy(() -> circles.decode(utf8("{\"radius\":1}" + more)))
          .as(more)
          .isInstanceOf(JacksonException.class);
    }
    assertThat(circles.decode(utf8("{\"radius\":1} \n"))).isEqualTo(new Disc(1));
  }

  @Test
  void emptyBytesAndNull_areNoValue() {
    assertThatThrownBy(() -> docs.decode(new byte[0])).isInstanceOf(JacksonException.class);
    assertThatThrownBy(() -> docs.decode(utf8("null")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("null");
  }

  @Test
  void valueThatIsWrittenAsNull_isRefusedAndNothingIsWritten() {
    Store<Odd> store = truce.store("odd", JacksonCodec.of(Odd.class));
    store.put("k", new Odd("there"));

    assertThatThrownBy(() -> store.put("k", new Odd(null)))
        .isInstanceOf(IllegalArgumentException.class);

    assertThat(store.get("k")).contains(new Odd("there"));
  }

  @Test
  void everyCutOfAValue_isRefused() {
    byte[] whole = docs.encode(DOC);

    for (int length = 0; length < whole.length; length++) {
      byte[] cut = java.util.Arrays.copyOf(whole, length);
      assertThatThrownBy(() -> docs.decode(cut))
          .as(text(cut))
          .isInstanceOfAny(JacksonException.class, IllegalArgumentException.class);
    }
  }

  @Test
  void unreadableValue_isNamedWithStoreKeyAndRevision() {
    truce.store("docs", Codec.utf8()).put("good", "{\"radius\":1}");
    long revision = truce.store("docs", Codec.utf8()).put("bad", "{\"radius\":").revision();
    Store<Disc> store = truce.store("docs", JacksonCodec.of(Disc.class));

    assertThatThrownBy(() -> store.get("bad"))
        .isInstanceOf(TruceException.class)
        .hasMessageContaining("docs")
        .hasMessageContaining("bad")
        .hasMessageContaining("revision " + revision)
        .hasCauseInstanceOf(JacksonException.class);
    try (Snapshot<Disc> now = store.snapshot()) {
      assertThatThrownBy(() -> now.all().toList()).isInstanceOf(TruceException.class);
      assertThat(now.get("good")).contains(new Disc(1));
    }
    assertThatThrownBy(() -> store.update("bad", old -> old.orElse(new Disc(0))))
        .isInstanceOf(TruceException.class);
    assertThat(truce.store("docs", Codec.utf8()).get("bad")).contains("{\"radius\":");
  }

  @Test
  void mapperOfOnesOwn_readsAsItIsSet() {
    JsonMapper lenient = JsonMapper.builder().build();
    Codec<Disc> circles = JacksonCodec.of(lenient, lenient.constructType(Disc.class));

    assertThat(circles.decode(utf8("{\"radius\":1,\"hue\":2}"))).isEqualTo(new Disc(1));
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static String text(byte[] bytes) {
    return new String(bytes, StandardCharsets.UTF_8);
  }
}
