package dev.truce.memory;

import dev.truce.EngineException;
import dev.truce.spi.Members;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/// The members of one memory. A member is there until it is closed, and that is known at once.
final class MemoryMembers {
  private static final int MAX_DESCRIPTION = 512;

  private final ConcurrentHashMap<Long, Part> parts = new ConcurrentHashMap<>();
  private final AtomicLong last = new AtomicLong();

  Handle handle() {
    return new Handle();
  }

  /// The members as one handle sees them, and those that joined through it.
  final class Handle implements Members {
    private final Set<Part> joined = ConcurrentHashMap.newKeySet();
    private volatile boolean closed;

    @Override
    public Membership join(byte[] description) {
      if (description.length > MAX_DESCRIPTION) {
        throw new IllegalArgumentException(
            "a member says at most " + MAX_DESCRIPTION + " bytes of itself");
      }
      Part part = new Part(this, last.incrementAndGet(), description.clone());
      joined.add(part);
      parts.put(part.member, part);
      if (closed) {
        part.close();
        throw new EngineException(EngineException.Kind.CLOSED, "this handle on memory is closed");
      }
      return part;
    }

    @Override
    public Standing standing(long member) {
      if (member <= 0 || member > last.get()) {
        throw new IllegalArgumentException("no member was ever given the number " + member);
      }
      return parts.containsKey(member)
          ? new Standing.Alive("open in this process")
          : new Standing.Dead("closed");
    }

    @Override
    public Optional<byte[]> description(long member) {
      return Optional.ofNullable(parts.get(member)).map(part -> part.description.clone());
    }

    @Override
    public List<Long> list() {
      return List.copyOf(parts.keySet());
    }

    @Override
    public boolean end(long member) {
      return standing(member) instanceof Standing.Dead;
    }

    @Override
    public void wake(long member) {
      Part part = parts.get(member);
      if (part != null) {
        Runnable hint = part.hint;
        if (hint != null) {
          hint.run();
        }
      }
    }

    void close() {
      closed = true;
      joined.forEach(Part::close);
    }
  }

  private final class Part implements Members.Membership {
    private final Handle handle;
    private final long member;
    private final byte[] description;
    private volatile @Nullable Runnable hint;
    private volatile boolean left;

    Part(Handle handle, long member, byte[] description) {
      this.handle = handle;
      this.member = member;
      this.description = description;
    }

    @Override
    public long member() {
      return member;
    }

    @Override
    public boolean current() {
      return !left;
    }

    @Override
    public void listen(boolean on, Runnable hint) {
      this.hint = on ? hint : null;
    }

    @Override
    public void close() {
      left = true;
      hint = null;
      parts.remove(member);
      handle.joined.remove(this);
    }
  }
}
