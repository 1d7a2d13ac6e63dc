package dev.truce.lock;

import dev.truce.EngineException;
import dev.truce.lock.LockState.Claim;
import dev.truce.lock.LockState.Hold;
import dev.truce.lock.LockState.Phase;
import dev.truce.lock.LockState.Wait;
import dev.truce.lock.NamedLock.Mode;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/// The bytes of a lock's cell: numbers of variable length (seven bits a byte, low ones first, the
/// high bit says that more follow), texts with their length in front, the format's number first.
final class LockCodec {
  static final int FORMAT = 1;

  private static final int EXPORTED = 1;
  private static final int BRANCH = 2;
  private static final int ABSENT = 4;
  private static final int STRUCK = 8;
  private static final Mode[] MODES = Mode.values();
  private static final Phase[] PHASES = Phase.values();

  private LockCodec() {}

  static final class Writer {
    private byte[] bytes = new byte[96];
    private int length;

    Writer number(long value) {
      if (length + 10 > bytes.length) {
        bytes = Arrays.copyOf(bytes, bytes.length * 2);
      }
      long rest = value;
      while ((rest & ~0x7fL) != 0) {
        bytes[length++] = (byte) (rest | 0x80);
        rest >>>= 7;
      }
      bytes[length++] = (byte) rest;
      return this;
    }

    private Writer text(String value) {
      if (value.isEmpty()) {
        return number(0);
      }
      byte[] utf8 = value.getBytes(StandardCharsets.UTF_8);
      number(utf8.length);
      if (length + utf8.length > bytes.length) {
        bytes = Arrays.copyOf(bytes, bytes.length * 2 + utf8.length);
      }
      System.arraycopy(utf8, 0, bytes, length, utf8.length);
      length += utf8.length;
      return this;
    }

    private Writer claim(Claim claim) {
      return number(claim.member()).number(claim.number());
    }

    void hold(Hold hold) {
      boolean branch = !hold.parent().equals(Claim.NONE);
      claim(hold.claim()).number(hold.mode().ordinal()).number(hold.phase().ordinal());
      number(hold.token()).number(hold.token() - hold.floor()).number(hold.count());
      number(hold.command()).number(hold.since()).number(hold.until());
      number((hold.exported() ? EXPORTED : 0) | (branch ? BRANCH : 0));
      if (branch) {
        claim(hold.parent());
      }
      text(hold.reason());
    }

    void wait(Wait wait) {
      boolean branch = !wait.parent().equals(Claim.NONE);
      claim(wait.claim()).number(wait.mode().ordinal()).number(wait.arrival());
      number(wait.priority()).number(wait.overtaken()).number(wait.count());
      number(wait.command()).number(wait.since()).number(wait.offered()).number(wait.until());
      number((wait.absent() ? ABSENT : 0) | (wait.struck() ? STRUCK : 0) | (branch ? BRANCH : 0));
      if (branch) {
        claim(wait.parent());
      }
      text(wait.reason());
    }

    byte[] bytes() {
      return Arrays.copyOf(bytes, length);
    }
  }

  static final class Reader {
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
            "this lock was written in format " + format + " by a newer release; this one reads "
                + FORMAT + ": use the newer one");
      }
      if (format != FORMAT) {
        throw damaged();
      }
    }

    long number() {
      long value = 0;
      for (int shift = 0; shift < 64; shift += 7) {
        if (at >= bytes.length) {
          throw damaged();
        }
        byte next = bytes[at++];
        value |= (next & 0x7fL) << shift;
        if (next >= 0) {
          return value;
        }
      }
      throw damaged();
    }

    int count() {
      long value = number();
      if (value < 0 || value > Integer.MAX_VALUE) {
        throw damaged();
      }
      return (int) value;
    }

    private int signed() {
      return (int) number();
    }

    private <T> T constant(T[] constants) {
      int index = count();
      if (index >= constants.length) {
        throw damaged();
      }
      return constants[index];
    }

    private String text() {
      int size = count();
      if (size == 0) {
        return "";
      }
      if (size > bytes.length - at) {
        throw damaged();
      }
      at += size;
      return new String(bytes, at - size, size, StandardCharsets.UTF_8);
    }

    private Claim claim() {
      return new Claim(number(), number());
    }

    Hold hold() {
      Claim claim = claim();
      Mode mode = constant(MODES);
      Phase phase = constant(PHASES);
      long token = number();
      long floor = token - number();
      int count = count();
      long command = number();
      long since = number();
      long until = number();
      int flags = count();
      Claim parent = (flags & BRANCH) != 0 ? claim() : Claim.NONE;
      return new Hold(
          claim, mode, phase, token, floor, count, command, since, until, parent,
          (flags & EXPORTED) != 0, text());
    }

    Wait wait_() {
      Claim claim = claim();
      Mode mode = constant(MODES);
      long arrival = number();
      int priority = signed();
      int overtaken = count();
      int count = count();
      long command = number();
      long since = number();
      long offered = number();
      long until = number();
      int flags = count();
      Claim parent = (flags & BRANCH) != 0 ? claim() : Claim.NONE;
      return new Wait(
          claim, mode, arrival, priority, overtaken, count, command, since, offered,
          (flags & ABSENT) != 0, (flags & STRUCK) != 0, until, parent, text());
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
