package dev.truce.lock;

import dev.truce.EngineException;
import dev.truce.lock.LockState.Claim;
import dev.truce.lock.LockState.Counters;
import dev.truce.lock.LockState.Hold;
import dev.truce.lock.LockState.Phase;
import dev.truce.lock.LockState.Wait;
import dev.truce.lock.NamedLock.Mode;
import java.io.ByteArrayOutputStream;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The bytes of a lock's cell: words of eight bytes, little end first.
///
/// ```
///   header   format | limit | token | arrival | granted | released | lost | queued | left
///            | number of holds | number of waits
///   hold     member | claim | mode | phase | token | bytes of the earlier tokens | count | command
///            | since | until | member and claim of the parent | exported | bytes of the reason
///            | the reason, padded | the earlier tokens, padded
///   wait     member | claim | mode | arrival | priority | overtaken | count | command | since
///            | offered | absent | late | until | member and claim of the parent
///            | bytes of the reason | the reason, padded
/// ```
///
/// The earlier tokens of a hold stand as the distances from each to the next higher one, highest
/// first, seven bits a byte, low ones first, the high bit saying that more follow: a thousand
/// readers of one process fit into a kilobyte or two.
///
/// Two transitions are so common that they are made here on the bytes themselves, [#acquireIdle]
/// and [#releaseLast]; each equals the step of [LockMachine] that it stands for, byte by byte.
final class LockCodec {
  static final int FORMAT = 1;

  /// A header, one hold without a reason, one wait without a reason.
  private static final int HEADER = 11;

  private static final int HOLD = 14;
  private static final int WAIT = 16;

  private static final int TOKEN = 2;
  private static final int GRANTED = 4;
  private static final int RELEASED = 5;
  private static final int HOLDS = 9;
  private static final int WAITS = 10;

  private static final int HELD = 1;
  private static final byte[] NOTHING = new byte[0];

  private static final VarHandle WORD =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  private LockCodec() {}

  // ---- the two transitions on bytes

  /// Whether nobody holds the lock and nobody waits for it.
  static boolean isIdle(byte[] bytes) {
    return bytes.length == 0 || bytes.length == HEADER * 8;
  }

  /// What [LockMachine] makes of an idle lock of the usual limit when a member acquires it with no
  /// ancestors, no term and no reason; `null` when the bytes are of another kind.
  static byte @Nullable [] acquireIdle(
      byte[] before, long member, long claim, Mode mode, long token, long command, long now) {
    boolean absent = before.length == 0;
    if (!absent
        && !(before.length == HEADER * 8 && word(before, 0) == FORMAT && word(before, 1) == 1)) {
      return null;
    }
    byte[] after = new byte[(HEADER + HOLD) * 8];
    if (absent) {
      put(after, 0, FORMAT);
      put(after, 1, 1);
    } else {
      System.arraycopy(before, 0, after, 0, HEADER * 8);
      if (token <= word(before, TOKEN)) {
        return null;
      }
    }
    put(after, TOKEN, token);
    put(after, GRANTED, word(after, GRANTED) + 1);
    put(after, HOLDS, 1);
    put(after, HEADER, member);
    put(after, HEADER + 1, claim);
    put(after, HEADER + 2, code(mode));
    put(after, HEADER + 3, HELD);
    put(after, HEADER + 4, token);
    put(after, HEADER + 6, 1);
    put(after, HEADER + 7, command);
    put(after, HEADER + 8, now);
    return after;
  }

  /// What [LockMachine] makes of a lock that a member holds alone, for the last time, and nobody
  /// waits for, when it releases it without the need of a fence; `null` when the bytes are of
  /// another kind.
  static byte @Nullable [] releaseLast(byte[] before, long member, long token) {
    if (before.length != (HEADER + HOLD) * 8
        || word(before, 0) != FORMAT
        || word(before, HOLDS) != 1
        || word(before, WAITS) != 0
        || word(before, HEADER) != member
        || word(before, HEADER + 3) != HELD
        || word(before, HEADER + 4) != token
        || word(before, HEADER + 6) != 1
        || word(before, HEADER + 9) != 0
        || word(before, HEADER + 12) != 0) {
      return null;
    }
    byte[] after = Arrays.copyOf(before, HEADER * 8);
    put(after, RELEASED, word(after, RELEASED) + 1);
    put(after, HOLDS, 0);
    return after;
  }

  private static long word(byte[] bytes, int at) {
    return (long) WORD.get(bytes, at * 8);
  }

  private static void put(byte[] bytes, int at, long value) {
    WORD.set(bytes, at * 8, value);
  }

  // ---- everything else

  private static int code(Mode mode) {
    return switch (mode) {
      case READ -> 1;
      case WRITE -> 2;
    };
  }

  private static int code(Phase phase) {
    return switch (phase) {
      case HELD -> HELD;
      case UPGRADING -> 2;
      case ENDING -> 3;
    };
  }

  static byte[] encode(LockState state) {
    Writer out =
        new Writer((HEADER + HOLD * state.holds().size() + WAIT * state.queue().size()) * 8);
    Counters counters = state.counters();
    out.number(FORMAT).number(state.limit()).number(state.token()).number(state.arrival());
    out.number(counters.granted()).number(counters.released()).number(counters.lost());
    out.number(counters.queued()).number(counters.left());
    out.number(state.holds().size()).number(state.queue().size());
    state.holds().forEach(out::hold);
    state.queue().forEach(out::place);
    return out.bytes();
  }

  /// @throws EngineException if the bytes were not written by a release this one reads
  static LockState decode(byte[] bytes) {
    if (bytes.length == 0) {
      return LockState.IDLE;
    }
    Reader in = new Reader(bytes);
    in.format();
    int limit = in.count();
    long token = in.number();
    long arrival = in.number();
    Counters counters =
        new Counters(in.number(), in.number(), in.number(), in.number(), in.number());
    int holdCount = in.count();
    int waitCount = in.count();
    List<Hold> holds = new ArrayList<>();
    for (int i = 0; i < holdCount; i++) {
      holds.add(in.hold());
    }
    List<Wait> queue = new ArrayList<>();
    for (int i = 0; i < waitCount; i++) {
      queue.add(in.place());
    }
    in.end();
    return new LockState(limit, token, arrival, List.copyOf(holds), List.copyOf(queue), counters);
  }

  private static final class Writer {
    private byte[] bytes;
    private int length;

    Writer(int capacity) {
      bytes = new byte[capacity];
    }

    Writer number(long value) {
      room(8);
      WORD.set(bytes, length, value);
      length += 8;
      return this;
    }

    private void room(int more) {
      if (length + more > bytes.length) {
        bytes = Arrays.copyOf(bytes, bytes.length * 2 + more);
      }
    }

    private void text(String value) {
      byte[] utf8 = value.getBytes(StandardCharsets.UTF_8);
      number(utf8.length);
      padded(utf8);
    }

    private void padded(byte[] some) {
      int padded = LockCodec.padded(some.length);
      room(padded);
      System.arraycopy(some, 0, bytes, length, some.length);
      length += padded;
    }

    private Writer claim(Claim claim) {
      return number(claim.member()).number(claim.number());
    }

    private Writer flag(boolean value) {
      return number(value ? 1 : 0);
    }

    void hold(Hold hold) {
      claim(hold.claim()).number(code(hold.mode())).number(code(hold.phase()));
      byte[] earlier = hold.earlier().isEmpty() ? NOTHING : distances(hold);
      number(hold.token()).number(earlier.length).number(hold.count()).number(hold.command());
      number(hold.since()).number(hold.until()).claim(hold.parent()).flag(hold.exported());
      text(hold.reason());
      padded(earlier);
    }

    void place(Wait wait) {
      claim(wait.claim()).number(code(wait.mode())).number(wait.arrival());
      number(wait.priority()).number(wait.overtaken()).number(wait.count());
      number(wait.command()).number(wait.since()).number(wait.offered());
      flag(wait.absent()).flag(wait.late()).number(wait.until()).claim(wait.parent());
      text(wait.reason());
    }

    byte[] bytes() {
      return length == bytes.length ? bytes : Arrays.copyOf(bytes, length);
    }
  }

  private static int padded(int length) {
    return (length + 7) & ~7;
  }

  private static byte[] distances(Hold hold) {
    ByteArrayOutputStream out = new ByteArrayOutputStream(hold.earlier().size() * 2);
    long above = hold.token();
    for (long token : hold.earlier().reversed()) {
      long distance = above - token;
      for (; distance > 0x7f; distance >>>= 7) {
        out.write((int) (distance & 0x7f) | 0x80);
      }
      out.write((int) distance);
      above = token;
    }
    return out.toByteArray();
  }

  private static final class Reader {
    private final byte[] bytes;
    private int at;

    Reader(byte[] bytes) {
      this.bytes = bytes;
    }

    void format() {
      long format = number();
      if (format > FORMAT) {
        throw new EngineException(
            EngineException.Kind.CONFIGURATION,
            "this lock was written in format "
                + format
                + " by a newer release; this one reads "
                + FORMAT
                + ": use the newer one");
      }
      if (format != FORMAT) {
        throw damaged();
      }
    }

    long number() {
      if (at + 8 > bytes.length) {
        throw damaged();
      }
      at += 8;
      return (long) WORD.get(bytes, at - 8);
    }

    int count() {
      long value = number();
      if (value < 0 || value > Integer.MAX_VALUE) {
        throw damaged();
      }
      return (int) value;
    }

    private int signed() {
      long value = number();
      if (value != (int) value) {
        throw damaged();
      }
      return (int) value;
    }

    private boolean flag() {
      long value = number();
      if (value != 0 && value != 1) {
        throw damaged();
      }
      return value == 1;
    }

    private Mode mode() {
      return switch (count()) {
        case 1 -> Mode.READ;
        case 2 -> Mode.WRITE;
        default -> throw damaged();
      };
    }

    private Phase phase() {
      return switch (count()) {
        case HELD -> Phase.HELD;
        case 2 -> Phase.UPGRADING;
        case 3 -> Phase.ENDING;
        default -> throw damaged();
      };
    }

    private String text() {
      int size = count();
      if (size == 0) {
        return "";
      }
      if (size > bytes.length - at || padded(size) > bytes.length - at) {
        throw damaged();
      }
      String text = new String(bytes, at, size, StandardCharsets.UTF_8);
      at += padded(size);
      return text;
    }

    private Claim claim() {
      return new Claim(number(), number());
    }

    Hold hold() {
      Claim claim = claim();
      Mode mode = mode();
      Phase phase = phase();
      long token = number();
      int distances = count();
      int count = count();
      long command = number();
      long since = number();
      long until = number();
      Claim parent = claim();
      boolean exported = flag();
      String reason = text();
      return new Hold(
          claim,
          mode,
          phase,
          token,
          distances == 0 ? List.of() : earlier(token, distances),
          count,
          command,
          since,
          until,
          parent,
          exported,
          reason);
    }

    private List<Long> earlier(long newest, int size) {
      if (size > bytes.length - at || padded(size) > bytes.length - at) {
        throw damaged();
      }
      List<Long> falling = new ArrayList<>();
      long above = newest;
      for (int end = at + size; at < end; ) {
        long distance = 0;
        int shift = 0;
        byte next;
        do {
          if (at == end || shift > 56) {
            throw damaged();
          }
          next = bytes[at++];
          distance |= (next & 0x7fL) << shift;
          shift += 7;
        } while (next < 0);
        above -= distance;
        if (distance == 0 || above <= 0) {
          throw damaged();
        }
        falling.add(above);
      }
      at += padded(size) - size;
      return List.copyOf(falling.reversed());
    }

    Wait place() {
      Claim claim = claim();
      Mode mode = mode();
      long arrival = number();
      int priority = signed();
      int overtaken = count();
      int count = count();
      long command = number();
      long since = number();
      long offered = number();
      boolean absent = flag();
      boolean late = flag();
      return new Wait(
          claim, mode, arrival, priority, overtaken, count, command, since, offered, absent, late,
          number(), claim(), text());
    }

    void end() {
      if (at != bytes.length) {
        throw damaged();
      }
    }

    private EngineException damaged() {
      return new EngineException(
          EngineException.Kind.DAMAGED, "a lock's cell holds bytes that no release wrote");
    }
  }
}
