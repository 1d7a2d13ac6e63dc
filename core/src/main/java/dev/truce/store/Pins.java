package dev.truce.store;

import dev.truce.EngineException;
import dev.truce.Owner;
import dev.truce.spi.Cells;
import dev.truce.spi.Cells.Cell;
import dev.truce.spi.Cells.Swap;
import dev.truce.spi.Engine;
import dev.truce.spi.Members;
import java.lang.System.Logger.Level;
import java.lang.ref.WeakReference;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/// Which checkpoints are read from though later ones have taken their place: they take disk until
/// the last reader has left.
///
/// A handle tells what it keeps in the cell `pin/MEMBER` (the member's number in hexadecimal), for
/// others to see:
///
/// ```
/// format 1 | pid 8 | name and host: length 2 and UTF-8, each | count 4,
/// each {revision 8 | bytes 8 | when another one took its place, in the ticker's nanoseconds 8}
/// ```
///
/// Nothing rests on it. **Threads.** Safe for any number of them.
final class Pins {
  private static final String CELL = "pin/";
  private static final byte FORMAT = 1;
  private static final byte[] NOTHING = {};
  private static final int MOST = 64;

  private final Engine engine;
  private final String cell;
  private final Owner owner;
  private final List<Kept> kept = new ArrayList<>();
  private byte[] told = NOTHING;

  /// Of a run to which nobody refers any more the collector has given back what it took.
  private record Kept(WeakReference<Run> run, long upTo, long bytes, long since) {
    boolean isOver() {
      Run still = run.get();
      return still == null || still.isClosed();
    }
  }

  Pins(Engine engine, long member, Owner owner) {
    this.engine = engine;
    this.cell = CELL + Long.toHexString(member);
    this.owner = owner;
  }

  /// Another one has taken its place.
  void superseded(Run run) {
    if (run.upTo() > 0) {
      synchronized (this) {
        long now = engine.ticker().nanos();
        kept.add(new Kept(new WeakReference<>(run), run.upTo(), run.size(), now));
      }
      run.supersede(this::tell);
      tell();
    }
  }

  /// Tells what is still kept, if that is not what was told last.
  synchronized void tell() {
    kept.removeIf(Kept::isOver);
    byte[] now = kept.isEmpty() ? NOTHING : bytes();
    if (!Arrays.equals(now, told) && put(now)) {
      told = now;
    }
  }

  /// Tells that nothing is kept any more.
  synchronized void close() {
    kept.clear();
    tell();
  }

  private boolean put(byte[] now) {
    try {
      Cells cells = engine.cells();
      return cells.swap(cell, cells.read(cell), now) instanceof Swap.Won;
    } catch (EngineException notNow) {
      System.getLogger("dev.truce.store").log(Level.DEBUG, "a pin is not told now", notNow);
      return false;
    }
  }

  private byte[] bytes() {
    byte[] name = owner.name().getBytes(StandardCharsets.UTF_8);
    byte[] host = owner.host().getBytes(StandardCharsets.UTF_8);
    List<Kept> oldest = kept.subList(0, Math.min(MOST, kept.size()));
    ByteBuffer out = ByteBuffer.allocate(17 + name.length + host.length + oldest.size() * 24);
    out.put(FORMAT).putLong(owner.pid());
    out.putShort((short) name.length).put(name).putShort((short) host.length).put(host);
    out.putInt(oldest.size());
    oldest.forEach(one -> out.putLong(one.upTo).putLong(one.bytes).putLong(one.since));
    return out.array();
  }

  // ---- what all of them keep

  /// What those who are there have told, and clears away what others did.
  static List<StoreStatus.Pin> all(Engine engine) {
    List<StoreStatus.Pin> pins = new ArrayList<>();
    for (String key : engine.cells().keys(CELL)) {
      Cell told = engine.cells().read(key);
      if (isDead(engine, key)) {
        engine.cells().swap(key, told, NOTHING); // whoever looks next may do it as well
      } else if (!told.absent()) {
        read(pins, told.bytes(), engine.ticker().nanos());
      }
    }
    pins.sort(Comparator.comparingLong(StoreStatus.Pin::revision));
    return pins;
  }

  private static boolean isDead(Engine engine, String key) {
    try {
      long member = Long.parseUnsignedLong(key.substring(CELL.length()), 16);
      return engine.members().standing(member) instanceof Members.Standing.Dead;
    } catch (IllegalArgumentException nobody) {
      return true;
    }
  }

  /// What a newer release has told is passed over.
  private static void read(List<StoreStatus.Pin> pins, byte[] told, long now) {
    ByteBuffer in = ByteBuffer.wrap(told);
    if (in.get() != FORMAT) {
      return;
    }
    try {
      long pid = in.getLong();
      Owner owner = new Owner(text(in), text(in), pid);
      for (int left = in.getInt(); left > 0; left--) {
        long upTo = in.getLong();
        long bytes = in.getLong();
        Duration age = Duration.ofNanos(Math.max(0, now - in.getLong()));
        pins.add(new StoreStatus.Pin(owner, upTo, bytes, age));
      }
    } catch (BufferUnderflowException | IllegalArgumentException strange) {
      System.getLogger("dev.truce.store").log(Level.DEBUG, "a strange pin", strange);
    }
  }

  private static String text(ByteBuffer in) {
    byte[] utf8 = new byte[in.getShort() & 0xffff];
    in.get(utf8);
    return new String(utf8, StandardCharsets.UTF_8);
  }
}
