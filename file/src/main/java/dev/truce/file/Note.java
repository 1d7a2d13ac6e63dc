package dev.truce.file;

import java.nio.charset.StandardCharsets;
import java.util.UUID;

/// What a record of a journal says. Only landed units have a position; the others take room in the
/// sequence, so that they are decided at the same tail as everything else.
sealed interface Note {
  byte LANDED = 1;
  byte END = 2;
  byte GIVEN_UP = 3;
  byte MARK = 4;
  byte CHECKPOINT = 5;

  UUID NOBODY = new UUID(0, 0);
  byte[] NOTHING = new byte[0];

  /// A unit.
  record Landed(long position, UUID commitId, byte[] record) implements Note {}

  /// A token has ended.
  record End(String lock, long token) implements Note {}

  /// Somebody looked for a commit in vain: it never lands.
  record GivenUp(UUID commitId) implements Note {}

  /// Nothing but what every record carries, the place that was durable.
  record Mark() implements Note {}

  /// From here on this base stands for all up to its position.
  record Checkpoint(long upTo, UUID base) implements Note {}

  default byte kind() {
    return switch (this) {
      case Landed _ -> LANDED;
      case End _ -> END;
      case GivenUp _ -> GIVEN_UP;
      case Mark _ -> MARK;
      case Checkpoint _ -> CHECKPOINT;
    };
  }

  default long number() {
    return switch (this) {
      case Landed landed -> landed.position;
      case End end -> end.token;
      case GivenUp _, Mark _ -> 0;
      case Checkpoint checkpoint -> checkpoint.upTo;
    };
  }

  default UUID id() {
    return switch (this) {
      case Landed landed -> landed.commitId;
      case End _, Mark _ -> NOBODY;
      case GivenUp givenUp -> givenUp.commitId;
      case Checkpoint checkpoint -> checkpoint.base;
    };
  }

  default byte[] body() {
    return switch (this) {
      case Landed landed -> landed.record;
      case End end -> end.lock.getBytes(StandardCharsets.UTF_8);
      case GivenUp _, Mark _, Checkpoint _ -> NOTHING;
    };
  }

  static boolean known(byte kind) {
    return kind >= LANDED && kind <= CHECKPOINT;
  }

  /// What a record of a [known][#known] kind says.
  static Note of(byte kind, long number, UUID id, byte[] body) {
    return switch (kind) {
      case LANDED -> new Landed(number, id, body);
      case END -> new End(new String(body, StandardCharsets.UTF_8), number);
      case GIVEN_UP -> new GivenUp(id);
      case MARK -> new Mark();
      case CHECKPOINT -> new Checkpoint(number, id);
      default -> throw new IllegalArgumentException("kind " + kind);
    };
  }
}
