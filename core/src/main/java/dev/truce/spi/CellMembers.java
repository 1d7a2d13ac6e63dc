package dev.truce.spi;

import dev.truce.EngineException;
import dev.truce.OutcomeUnknownException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/// Members in cells, one each, for engines that cannot prove a death.
final class CellMembers implements Members.Renewed {
  /*
   * The cell `member/N` holds the member's heartbeat, a number that rises with each renewal, and its
   * term. Leaving deletes it, and so does being ended: a swap against the very heartbeat that was seen
   * for a whole term. Numbers are drawn, so a deleted cell is never created again, and a renewal that
   * comes too late finds its revision gone. That makes an end final.
   *
   * The two clocks. The member counts its term from before it sent the last renewal that is known to
   * have landed, and stops trusting itself a margin earlier. The observer counts from when it first
   * saw that heartbeat, which is later. So the member is done before anybody may end it, as long as
   * the two clocks run at the same rate to within the margin; neither is ever compared with the other.
   * (Gray and Cheriton, "Leases", SOSP 1989, section 5.)
   */

  private static final int MAX_DESCRIPTION = 512;
  private static final Duration SHORTEST_TERM = Duration.ofMillis(500);
  private static final long SMALLEST_MARGIN_NANOS = Duration.ofMillis(100).toNanos();
  private static final int RENEWALS_A_TERM = 3;
  private static final int RETRIES_A_TERM = 20;
  private static final int TRIES = 16;
  private static final String PREFIX = "member/";

  /// What a member's cell holds: format 1, CRC32C 4 of what follows, beat 8, term 8, description.
  private record Heartbeat(long beat, long termNanos, byte[] description) {
    private static final byte FORMAT = 1;
    private static final int CRC_AT = 1;
    private static final int BODY_AT = 5;
    private static final int HEADER = 21;

    Heartbeat next() {
      return new Heartbeat(beat + 1, termNanos, description);
    }

    byte[] toBytes() {
      byte[] bytes = new byte[HEADER + description.length];
      ByteBuffer.wrap(bytes)
          .put(FORMAT)
          .putInt(0)
          .putLong(beat)
          .putLong(termNanos)
          .put(description)
          .putInt(CRC_AT, crc(bytes));
      return bytes;
    }

    static Heartbeat of(String key, byte[] bytes) {
      if (bytes.length > 0 && bytes[0] != FORMAT) {
        throw new EngineException(
            EngineException.Kind.CONFIGURATION,
            "cell " + key + " is of format " + bytes[0] + ", written by a newer release");
      }
      ByteBuffer in = ByteBuffer.wrap(bytes);
      if (bytes.length < HEADER || in.getInt(CRC_AT) != crc(bytes)) {
        throw new EngineException(
            EngineException.Kind.DAMAGED, "cell " + key + " does not match its checksum");
      }
      return new Heartbeat(
          in.getLong(BODY_AT),
          in.getLong(BODY_AT + Long.BYTES),
          Arrays.copyOfRange(bytes, HEADER, bytes.length));
    }

    private static int crc(byte[] bytes) {
      CRC32C crc = new CRC32C();
      crc.update(bytes, BODY_AT, bytes.length - BODY_AT);
      return (int) crc.getValue();
    }
  }

  /// A heartbeat, and when this observer saw it first.
  private record Seen(long beat, long sinceNanos) {}

  private final Cells cells;
  private final Ticker ticker;
  private final long termNanos;
  private final long marginNanos;
  private final ConcurrentHashMap<Long, Seen> seen = new ConcurrentHashMap<>();
  private final ConcurrentHashMap<Long, Part> parts = new ConcurrentHashMap<>();

  // Guarded by `this`, which is taken after a part's own lock.
  private @Nullable Thread renewer;
  private boolean closed;

  CellMembers(Cells cells, Ticker ticker, Duration term) {
    if (term.compareTo(SHORTEST_TERM) < 0) {
      throw new IllegalArgumentException(
          "a term is at least " + SHORTEST_TERM.toMillis() + " ms, not " + term.toMillis());
    }
    this.cells = cells;
    this.ticker = ticker;
    this.termNanos = term.toNanos();
    this.marginNanos = Math.max(termNanos / 10, SMALLEST_MARGIN_NANOS);
  }

  @Override
  public Membership join(byte[] description) {
    if (description.length > MAX_DESCRIPTION) {
      throw new IllegalArgumentException(
          "a member says at most " + MAX_DESCRIPTION + " bytes of itself");
    }
    long member = cells.draw(1);
    Heartbeat first = new Heartbeat(1, termNanos, description.clone());
    byte[] bytes = first.toBytes();
    long sent = ticker.nanos();
    for (int tries = 0; tries < TRIES; tries++) {
      Cells.Cell cell = cells.read(key(member));
      if (!cell.absent()) {
        // An earlier try landed after all.
        return add(new Part(member, first, cell, sent));
      }
      if (cells.swap(key(member), cell, bytes) instanceof Cells.Swap.Won(Cells.Cell won)) {
        return add(new Part(member, first, won, sent));
      }
    }
    throw new EngineException(
        EngineException.Kind.UNREACHABLE, "the engine does not say whether it was joined");
  }

  private Part add(Part part) {
    synchronized (this) {
      if (!closed) {
        parts.put(part.member, part);
        if (renewer == null) {
          // A platform thread: virtual ones wait for carriers that the application may keep busy,
          // and a lease must not run out for that.
          renewer =
              Thread.ofPlatform().daemon().name("truce-heartbeat").unstarted(this::renewForEver);
          renewer.start();
        }
        return part;
      }
    }
    part.close();
    throw new EngineException(EngineException.Kind.CLOSED, "this handle is closed");
  }

  private void renewForEver() {
    while (true) {
      long next = Long.MAX_VALUE;
      for (Part part : parts.values()) {
        next = Math.min(next, part.renewWhenDue());
      }
      synchronized (this) {
        if (parts.isEmpty()) {
          renewer = null;
          return;
        }
      }
      ticker.park(this, next);
    }
  }

  @Override
  public Standing standing(long member) {
    return look(member, cells.read(key(member)));
  }

  private Standing look(long member, Cells.Cell cell) {
    if (cell.absent()) {
      seen.remove(member);
      return new Standing.Dead("it left or was ended");
    }
    Heartbeat heartbeat = Heartbeat.of(key(member), cell.bytes());
    long silent = silentNanos(member, heartbeat);
    return silent < 2 * heartbeat.termNanos / RENEWALS_A_TERM
        ? new Standing.Alive(
            "heartbeat " + heartbeat.beat + " first seen " + silent / 1_000_000 + " ms ago")
        : new Standing.Silent(Duration.ofNanos(silent));
  }

  /// For how long this observer has known the heartbeat. A lower number than one already seen comes
  /// from a slower look of another thread, and changes nothing.
  private long silentNanos(long member, Heartbeat heartbeat) {
    long now = ticker.nanos();
    Seen first =
        seen.merge(
            member,
            new Seen(heartbeat.beat, now),
            (old, fresh) -> fresh.beat > old.beat ? fresh : old);
    return Math.max(0, now - first.sinceNanos);
  }

  @Override
  public Optional<byte[]> description(long member) {
    Cells.Cell cell = cells.read(key(member));
    return cell.absent()
        ? Optional.empty()
        : Optional.of(Heartbeat.of(key(member), cell.bytes()).description);
  }

  @Override
  public List<Long> list() {
    List<Long> members = new ArrayList<>();
    for (String key : cells.keys(PREFIX)) {
      members.add(Long.parseLong(key.substring(PREFIX.length())));
    }
    return members;
  }

  @Override
  public boolean end(long member) {
    String key = key(member);
    for (int tries = 0; tries < TRIES; tries++) {
      Cells.Cell cell = cells.read(key);
      if (look(member, cell) instanceof Standing.Dead) {
        return true;
      }
      Heartbeat heartbeat = Heartbeat.of(key, cell.bytes());
      if (silentNanos(member, heartbeat) < heartbeat.termNanos) {
        return false;
      }
      if (cells.swap(key, cell, new byte[0]) instanceof Cells.Swap.Won) {
        seen.remove(member);
        return true;
      }
    }
    throw new OutcomeUnknownException(
        "member " + member + " may or may not be ended; ending it again is safe", null);
  }

  @Override
  public void wake(long member) {
    Part part = parts.get(member);
    if (part != null) {
      part.hint();
    }
  }

  @Override
  public void close() {
    synchronized (this) {
      closed = true;
    }
    parts.values().forEach(Part::close);
  }

  private static String key(long member) {
    return PREFIX + member;
  }

  private final class Part implements Membership {
    private final long member;
    private volatile long safeUntilNanos;
    private volatile boolean over;
    private volatile @Nullable Runnable hint;

    // Guarded by `this`: what the cell holds as far as is known, and when renewing it is due.
    private Heartbeat heartbeat;
    private Cells.Cell cell;
    private long dueNanos;

    Part(long member, Heartbeat heartbeat, Cells.Cell cell, long sentNanos) {
      this.member = member;
      this.heartbeat = heartbeat;
      this.cell = cell;
      landed(sentNanos);
    }

    private void landed(long sentNanos) {
      safeUntilNanos = sentNanos + termNanos - marginNanos;
      dueNanos = sentNanos + termNanos / RENEWALS_A_TERM;
    }

    /// Renews if it is time to, and answers when it will be time again.
    synchronized long renewWhenDue() {
      long now = ticker.nanos();
      if (over) {
        return Long.MAX_VALUE;
      }
      if (now - dueNanos >= 0) {
        dueNanos = now + termNanos / RETRIES_A_TERM;
        try {
          renew(now);
        } catch (RuntimeException e) {
          // One failed renewal never ends renewal. `current()` tells when it has become too many.
        }
      }
      return over ? Long.MAX_VALUE : dueNanos;
    }

    private void renew(long sent) {
      Heartbeat next = heartbeat.next();
      switch (cells.swap(key(member), cell, next.toBytes())) {
        case Cells.Swap.Won(Cells.Cell won) -> {
          heartbeat = next;
          cell = won;
          landed(sent);
        }
        case Cells.Swap.Lost(Cells.Cell current) -> {
          if (current.absent()) {
            end();
          } else {
            // An earlier renewal of ours, of unknown outcome, has landed. When it was sent is not
            // known here, so it only gives the revision for the next one, at once.
            heartbeat = Heartbeat.of(key(member), current.bytes());
            cell = current;
            dueNanos = sent;
          }
        }
        case Cells.Swap.Unknown _ -> {
          // Tried again soon, from the same cell: if this one landed, that one is told.
        }
      }
    }

    private void end() {
      over = true;
      hint = null;
      parts.remove(member);
    }

    void hint() {
      Runnable mine = hint;
      if (mine != null) {
        mine.run();
      }
    }

    @Override
    public long member() {
      return member;
    }

    @Override
    public boolean current() {
      return !over && ticker.nanos() - safeUntilNanos < 0;
    }

    @Override
    public void listen(boolean on, Runnable hint) {
      this.hint = on ? hint : null;
    }

    @Override
    public synchronized void close() {
      if (over) {
        return;
      }
      end();
      try {
        for (int tries = 0; tries < TRIES && !cell.absent(); tries++) {
          cells.swap(key(member), cell, new byte[0]);
          cell = cells.read(key(member));
        }
      } catch (EngineException e) {
        // It falls silent instead, and others end it after its term.
      }
      synchronized (CellMembers.this) {
        LockSupport.unpark(renewer);
      }
    }
  }
}
