package dev.truce.lock;

import dev.truce.EngineException;
import dev.truce.Owner;
import dev.truce.lock.NamedLock.Mode;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;

/// The decisions about locks that were put down for good: every lease that began, and every end
/// that the holder of a grant did not make by itself. Plain grants and releases are not in it.
///
/// Each entry carries the SHA-256 of the one before it, so that an entry that was changed, left out
/// or put in shows. At least the last 1024 entries are kept.
///
/// @param entries the oldest first
/// @param broken the number of the first entry that does not follow from the one before it, if
///   there is one
public record History(List<Entry> entries, OptionalLong broken) {
  /// What happened.
  public enum Kind {
    /// A lease began.
    LEASED(1),
    /// A lease outlived a restart of the machine and stands again, for its full term.
    RESTORED(2),
    /// The holder gave it back.
    RELEASED(3),
    /// The term was over.
    EXPIRED(4),
    /// The holder had died, and the lock was taken over.
    DIED(5),
    /// Somebody ended it by force.
    REVOKED(6);

    private final byte code;

    Kind(int code) {
      this.code = (byte) code;
    }

    static Kind of(Ended.Kind how) {
      return switch (how) {
        case RELEASED -> RELEASED;
        case EXPIRED -> EXPIRED;
        case DIED -> DIED;
        case REVOKED -> REVOKED;
      };
    }
  }

  /// One decision.
  ///
  /// @param number its place in the sequence
  /// @param at when, by the wall clock of the process that put it down
  /// @param token the newest token of the grant
  /// @param id the grant's id, as in [LockStatus.Holder#id()]
  /// @param owner whose grant it is
  /// @param term for how long a lease lasts unless renewed, zero for other grants
  /// @param renewals how often a lease may be renewed, [Integer#MAX_VALUE] without a limit
  /// @param atLeast for how long after its grant nobody else is granted, zero for other grants
  /// @param by who ordered it, empty where nobody did
  /// @param reason for what reason; empty where there is none
  public record Entry(
      long number,
      Instant at,
      Kind kind,
      String lock,
      Mode mode,
      long token,
      String id,
      Owner owner,
      Duration term,
      int renewals,
      Duration atLeast,
      String by,
      String reason) {

    boolean ends() {
      return kind != Kind.LEASED && kind != Kind.RESTORED;
    }

    Entry numbered(long position) {
      return new Entry(
          position, at, kind, lock, mode, token, id, owner, term, renewals, atLeast, by, reason);
    }

    /// The record of this entry after one with the hash `before`:
    ///
    /// ```
    ///   room: 1 | format: 1 | hash of the entry before: 32 | at, milliseconds: 8 | kind: 1 | mode: 1
    ///   | token: 8 | term, nanoseconds: 8 | renewals: 4 | least hold, nanoseconds: 8 | pid: 8
    ///   | lock, id, owner's name, host, by, reason, each: length: 2, text in UTF-8
    /// ```
    byte[] write(byte[] before) {
      byte[][] texts = {
        utf8(lock), utf8(id), utf8(owner.name()), utf8(owner.host()), utf8(by), utf8(reason)
      };
      int size = FIXED + Arrays.stream(texts).mapToInt(text -> 2 + text.length).sum();
      ByteBuffer out =
          ByteBuffer.allocate(size)
              .put(ROOM)
              .put(FORMAT)
              .put(before)
              .putLong(at.toEpochMilli())
              .put(kind.code)
              .put((byte) (mode == Mode.READ ? 1 : 2))
              .putLong(token)
              .putLong(term.toNanos())
              .putInt(renewals)
              .putLong(atLeast.toNanos())
              .putLong(owner.pid());
      for (byte[] text : texts) {
        out.putShort((short) text.length).put(text);
      }
      return out.array();
    }

    static Entry read(long number, byte[] record) {
      ByteBuffer in = ByteBuffer.wrap(record);
      try {
        in.get();
        byte format = in.get();
        if (format != FORMAT) {
          throw newer(format);
        }
        in.position(in.position() + HASH);
        Instant at = Instant.ofEpochMilli(in.getLong());
        Kind kind = kind(number, in.get());
        Mode mode = in.get() == 1 ? Mode.READ : Mode.WRITE;
        long token = in.getLong();
        Duration term = Duration.ofNanos(in.getLong());
        int renewals = in.getInt();
        Duration atLeast = Duration.ofNanos(in.getLong());
        long pid = in.getLong();
        String lock = text(in);
        String id = text(in);
        Owner owner = new Owner(text(in), text(in), pid);
        return new Entry(
            number, at, kind, lock, mode, token, id, owner, term, renewals, atLeast, text(in),
            text(in));
      } catch (BufferUnderflowException | IllegalArgumentException cut) {
        throw damaged(number);
      }
    }

    /// The hash that the record says the one before it has.
    static byte[] hashBefore(byte[] record) {
      return Arrays.copyOfRange(record, 2, 2 + HASH);
    }

    private static Kind kind(long number, byte code) {
      for (Kind kind : Kind.values()) {
        if (kind.code == code) {
          return kind;
        }
      }
      throw damaged(number);
    }

    private static byte[] utf8(String text) {
      return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String text(ByteBuffer in) {
      byte[] utf8 = new byte[in.getShort() & 0xffff];
      in.get(utf8);
      return new String(utf8, StandardCharsets.UTF_8);
    }

    private static EngineException damaged(long number) {
      return new EngineException(
          EngineException.Kind.DAMAGED,
          "entry " + number + " of the locks' history holds bytes that no release wrote");
    }

    private static EngineException newer(byte format) {
      return new EngineException(
          EngineException.Kind.CONFIGURATION,
          "the locks' history was written in format " + format + " by a newer release: use that");
    }
  }

  /// What the records of locks begin with, in whatever journal they stand.
  static final byte ROOM = 1;

  static final int HASH = 32;
  private static final byte FORMAT = 1;
  private static final int FIXED = 2 + HASH + 8 + 2 + 8 + 8 + 4 + 8 + 8;
}
