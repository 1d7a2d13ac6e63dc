package dev.truce.jackson;

import dev.truce.store.Codec;
import java.util.Arrays;
import tools.jackson.core.JacksonException;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JavaType;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;
import tools.jackson.databind.ObjectReader;
import tools.jackson.databind.ObjectWriter;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/// Values as JSON, by Jackson.
///
/// What [#of(Class)] makes writes equal values as equal bytes, but for sets, which are written in
/// the order that they have; without white space, and the names of maps sorted. It is strict when
/// it reads: a name that the class does not have is refused, for the next update would drop it
/// without a word, and so is whatever stands behind the value. A name that is missing is no error:
/// `null`, 0 or an empty `Optional` stands for it. Who wants it otherwise brings a [mapper of its
/// own][#of(ObjectMapper, JavaType)].
///
/// Bytes that are no such value are never read as an empty one: store, key and revision are named
/// by what the store throws. A value that a mapper writes as JSON's `null` is refused before
/// anything is written, because it could not be read again.
///
/// In an application of modules the package of the class is open to `tools.jackson.databind`.
///
/// **Threads.** Safe for any number of them.
public final class JacksonCodec<T> implements Codec<T> {
  private static final JsonMapper STRICT =
      JsonMapper.builder()
          .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS)
          .build();

  private final ObjectMapper mapper;
  private final JavaType type;
  private final ObjectReader reader;
  private final ObjectWriter writer;
  private final byte[] nothing;

  private JacksonCodec(ObjectMapper mapper, JavaType type) {
    this.mapper = mapper;
    this.type = type;
    this.reader = mapper.readerFor(type);
    this.writer = mapper.writerFor(type);
    this.nothing = mapper.writeValueAsBytes(null);
  }

  /// Values of a class.
  public static <T> JacksonCodec<T> of(Class<T> type) {
    return new JacksonCodec<>(STRICT, STRICT.constructType(type));
  }

  /// Values of a type with parameters: `of(new TypeReference<List<Doc>>() {})`.
  public static <T> JacksonCodec<T> of(TypeReference<T> type) {
    return new JacksonCodec<>(STRICT, STRICT.constructType(type));
  }

  /// As this mapper reads and writes, in whatever format it has. It is the caller's to see that it
  /// reads what it wrote; one that passes over unknown names drops them at the next update.
  public static <T> JacksonCodec<T> of(ObjectMapper mapper, JavaType type) {
    return new JacksonCodec<>(mapper, type);
  }

  /// @throws JacksonException if Jackson cannot write it
  /// @throws IllegalArgumentException if it would be written as `null`
  @Override
  public byte[] encode(T value) {
    byte[] bytes = writer.writeValueAsBytes(value);
    if (Arrays.equals(bytes, nothing)) {
      throw new IllegalArgumentException(
          "this " + type.getRawClass().getName() + " is written as null, which is no value");
    }
    return bytes;
  }

  /// @throws JacksonException if these bytes are not one value of the type
  /// @throws IllegalArgumentException if they are `null`
  @Override
  public T decode(byte[] bytes) {
    T value = reader.readValue(bytes);
    if (value == null) {
      throw new IllegalArgumentException("null is no " + type.getRawClass().getName());
    }
    return value;
  }

  /// The value as a tree.
  JsonNode tree(T value) {
    return mapper.readTree(encode(value));
  }

  T value(JsonNode tree) {
    return decode(mapper.writeValueAsBytes(tree));
  }
}
