package dev.truce.lock;

import dev.truce.EngineException;

/// Several texts in one, where a cell has room for one: with a unit separator between them, which
/// the last alone may contain.
final class Fields {
  private static final char SEPARATOR = '\u001f';

  private Fields() {}

  static String write(String... fields) {
    StringBuilder text = new StringBuilder(fields[0]);
    for (int i = 1; i < fields.length; i++) {
      boolean last = i == fields.length - 1;
      text.append(SEPARATOR).append(last ? fields[i] : fields[i].replace(SEPARATOR, ' '));
    }
    return text.toString();
  }

  static String[] read(String text, int count) {
    String[] fields = text.split(String.valueOf(SEPARATOR), count);
    if (fields.length != count) {
      throw damaged();
    }
    return fields;
  }

  /// A number from 0 to `most`.
  static long number(String field, long most) {
    try {
      long number = Long.parseLong(field);
      if (number >= 0 && number <= most) {
        return number;
      }
    } catch (NumberFormatException noNumber) {
      // said below
    }
    throw damaged();
  }

  static <E extends Enum<E>> E constant(Class<E> type, String field) {
    for (E constant : type.getEnumConstants()) {
      if (constant.name().equals(field)) {
        return constant;
      }
    }
    throw damaged();
  }

  private static EngineException damaged() {
    return new EngineException(
        EngineException.Kind.DAMAGED, "a lock's cell holds a text that no release wrote");
  }
}
