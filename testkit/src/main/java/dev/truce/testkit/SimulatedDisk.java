package dev.truce.testkit;

import dev.truce.spi.Storage;
import dev.truce.testkit.Pending.Grown;
import dev.truce.testkit.Pending.Named;
import dev.truce.testkit.Pending.Written;
import dev.truce.testkit.RecordingStorage.Call;
import dev.truce.testkit.RecordingStorage.Kind;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// A directory on a disk, in memory: what is written is seen by all processes at once, and is safe
/// only when it was flushed.
///
/// Each simulated process reaches it through a [Storage] of its own, by which the disk knows whose
/// locks are whose. A mapping is one piece of memory for all of them. [#state()] is a moment of it
/// as a value, from which a machine can start again, with or without a power cut in between.
///
/// It is as unkind as it may be. Names come in no useful order. Closing one file ends all locks
/// that the process has on it, as POSIX has it. A failed flush forgets what it could not write, and
/// the next one succeeds, as Linux has it; a failed write has written half. What is not flushed may
/// survive all the same, in any part and, beyond what no file system does, in any order.
///
/// **Threads.** Safe for any number of them. What a thread stores into a mapping is noticed when
/// the disk is asked for its state, and at the next call by anybody that changes anything or reads
/// that file.
public final class SimulatedDisk {
  /// How a call fails.
  public enum Fault {
    /// An error of the device. What a flush was to make safe is forgotten.
    IO,
    /// No space left. Nothing that needs no space fails.
    FULL
  }

  /// What a call meets.
  enum Fate {
    PASSES,
    FAILS,
    FINDS_NO_SPACE,
    /// Its process is killed when half of it is done.
    IS_CUT_SHORT
  }

  /// Is told of each call before it happens, and may let others run first.
  interface Hook {
    Fate before(Call call);

    /// Ends the process that called: does not return.
    Halted halt();
  }

  private record Lockable(int inode, long at) {}

  private record Failing(long call, Fault fault, boolean forEver) {}

  private final TreeMap<String, Integer> names;
  private final TreeMap<String, Integer> durableNames;
  private final Map<Integer, Data> cached;
  private final Map<Integer, Data> durable;
  private final List<Pending> pending;
  private final Map<Integer, Mapping> mapped = new TreeMap<>();
  private final Map<Lockable, Map<Client, Boolean>> locks = new HashMap<>();
  private final List<Client> clients = new ArrayList<>();
  private int inodes;
  private long calls;
  private long changes;
  private long capacity = Long.MAX_VALUE;
  private @Nullable Failing failing;
  private @Nullable Map<String, Integer> namesThen;
  private @Nullable Map<String, Integer> durableNamesThen;

  /// A disk with nothing on it.
  public SimulatedDisk() {
    this(DiskState.EMPTY);
  }

  /// A disk as it was then, with no process left.
  public SimulatedDisk(DiskState state) {
    names = new TreeMap<>(state.names());
    durableNames = new TreeMap<>(state.durableNames());
    cached = new HashMap<>(state.cached());
    durable = new HashMap<>(state.durable());
    pending = new ArrayList<>(state.pending());
    inodes = cached.keySet().stream().mapToInt(Integer::intValue).max().orElse(0);
  }

  /// The disk as a new process sees it. Two may have one name: then it is the next life of one.
  public Storage process(String name) {
    return process(name, null);
  }

  synchronized Storage process(String name, @Nullable Hook hook) {
    Client client = new Client(name, hook);
    clients.add(client);
    return client;
  }

  /// Ends the processes of this name as `kill -9` does, or as their normal end would: what they
  /// wrote is there for others, their locks are free, and whatever they still call throws a
  /// [Halted].
  public synchronized void kill(String name) {
    for (Client client : clients) {
      if (client.name.equals(name)) {
        client.dead = true;
        locks.values().forEach(holders -> holders.remove(client));
      }
    }
    clients.removeIf(client -> client.dead);
  }

  /// The disk as it is now.
  public synchronized DiskState state() {
    noticeMapped();
    return new DiskState(
        namesNow(),
        durableNamesNow(),
        Map.copyOf(cached),
        Map.copyOf(durable),
        List.copyOf(pending));
  }

  /// Names seldom change, so states share a copy of them.
  private Map<String, Integer> namesNow() {
    Map<String, Integer> now = namesThen;
    if (now == null) {
      now = Collections.unmodifiableMap(new TreeMap<>(names));
      namesThen = now;
    }
    return now;
  }

  private Map<String, Integer> durableNamesNow() {
    Map<String, Integer> now = durableNamesThen;
    if (now == null) {
      now = Collections.unmodifiableMap(new TreeMap<>(durableNames));
      durableNamesThen = now;
    }
    return now;
  }

  /// A number that is another one when anything is: after the first store into a part of a mapping
  /// where nothing ever was, not before the next call that changes something.
  synchronized long changes() {
    noticeWarm();
    return changes;
  }

  /// How many calls there were.
  public synchronized long calls() {
    return calls;
  }

  /// Lets a call fail: the one with this number, counting from 1, and, if `forEver`, all that come
  /// after it.
  public synchronized void fail(long call, Fault fault, boolean forEver) {
    failing = new Failing(call, fault, forEver);
  }

  /// Lets no file be made or grow when all of them would need more than so many bytes.
  public synchronized void limit(long bytes) {
    capacity = bytes;
  }

  private Fate fated(Fate fate) {
    calls++;
    Failing now = failing;
    if (now == null || (now.forEver ? calls < now.call : calls != now.call)) {
      return fate;
    }
    return now.fault == Fault.IO ? Fate.FAILS : Fate.FINDS_NO_SPACE;
  }

  private boolean fits(long more) {
    long used = names.values().stream().distinct().mapToLong(i -> data(i).size()).sum();
    return used + more <= capacity;
  }

  private Data data(int inode) {
    Data data = cached.get(inode);
    return data == null ? Data.EMPTY : data;
  }

  private void changed(Pending change) {
    pending.add(change);
    changes++;
  }

  /// What was stored into mappings since the last time becomes a change like any other.
  private void noticeMapped() {
    mapped.forEach((inode, mapping) -> {
      int at = mapping.changed(0);
      while (at >= 0) {
        notice(inode, mapping, at);
        at = mapping.changed(at + Sector.BYTES);
      }
    });
  }

  /// The same where something is likely to be stored, which costs little.
  private void noticeWarm() {
    mapped.forEach((inode, mapping) -> {
      for (int i = mapping.warm.nextSetBit(0); i >= 0; i = mapping.warm.nextSetBit(i + 1)) {
        if (mapping.isChanged(i * Sector.BYTES)) {
          notice(inode, mapping, i * Sector.BYTES);
        }
      }
    });
  }

  private void notice(int inode, Mapping mapping, int at) {
    ByteBuffer now = mapping.sector(at);
    Call by = new Call("memory", Kind.WRITE, mapping.name, at, now.remaining());
    Data.Extent extent = data(inode).written(now, at);
    cached.put(inode, extent.appliedTo(data(inode)));
    changed(new Written(by, inode, extent, true));
  }

  /// A file as memory, and as it was when it was looked at last.
  private static final class Mapping {
    private final String name;
    private final ByteBuffer memory;
    private final ByteBuffer known;
    private final MemorySegment memoryNow;
    private final MemorySegment memoryThen;

    /// The sectors that held anything when it was mapped, or were stored into since.
    private final BitSet warm;

    Mapping(String name, Data data) {
      this.name = name;
      int bytes = Math.toIntExact(data.size());
      memory = ByteBuffer.allocateDirect(bytes);
      known = ByteBuffer.allocate(bytes);
      data.read(memory, 0);
      data.read(known, 0);
      memory.clear();
      known.clear();
      memoryNow = MemorySegment.ofBuffer(memory);
      memoryThen = MemorySegment.ofBuffer(known);
      warm = data.used();
    }

    /// Where the first sector begins, from `from` on, that has other bytes than when looked at
    /// last; -1 if there is none.
    int changed(int from) {
      int difference = difference(from, memory.capacity() - from);
      return difference < 0 ? -1 : (from + difference) / Sector.BYTES * Sector.BYTES;
    }

    boolean isChanged(int at) {
      return difference(at, Math.min(Sector.BYTES, memory.capacity() - at)) >= 0;
    }

    private int difference(int from, int bytes) {
      return bytes <= 0
          ? -1
          : (int)
              MemorySegment.mismatch(memoryNow, from, from + bytes, memoryThen, from, from + bytes);
    }

    /// Looks at a sector.
    ByteBuffer sector(int at) {
      ByteBuffer now = ByteBuffer.allocate(Math.min(Sector.BYTES, memory.capacity() - at));
      now.put(0, memory, at, now.capacity());
      known.put(at, now, 0, now.capacity());
      warm.set(at / Sector.BYTES);
      return now;
    }

    void write(ByteBuffer from, int at) {
      memory.put(at, from, from.position(), from.remaining());
      known.put(at, from, from.position(), from.remaining());
    }
  }

  private void write(Call call, int inode, ByteBuffer from, long at) {
    if (!from.hasRemaining()) {
      return;
    }
    Data before = data(inode);
    Data grown = before.grown(at + from.remaining());
    if (grown.size() > before.size()) {
      changed(new Grown(call, inode, before.size(), grown.size()));
    }
    Mapping mapping = mapped.get(inode);
    if (mapping != null) {
      mapping.write(from, (int) at);
    }
    Data.Extent extent = grown.written(from, at);
    cached.put(inode, extent.appliedTo(grown));
    changed(new Written(call, inode, extent, false));
  }

  /// Only what is still pending gets to the platter: what a failed flush forgot never does.
  private void makeSafe(int inode) {
    for (Pending change : pending) {
      if (concerns(change, inode)) {
        Data before = durable.getOrDefault(inode, Data.EMPTY);
        durable.put(inode, DiskState.apply(change, before));
      }
    }
    forget(inode);
  }

  private void forget(int inode) {
    changes += pending.removeIf(change -> concerns(change, inode)) ? 1 : 0;
  }

  private static boolean concerns(Pending change, int inode) {
    return switch (change) {
      case Written written -> written.inode() == inode;
      case Grown grown -> grown.inode() == inode;
      case Named _ -> false;
    };
  }

  private void makeNamesSafe() {
    for (Pending change : pending) {
      if (change instanceof Named named) {
        DiskState.rename(durableNames, named);
        durableNamesThen = null;
      }
    }
    changes += pending.removeIf(Named.class::isInstance) ? 1 : 0;
  }

  private void name(Call call, Map<String, Integer> change) {
    Set<Integer> touched = new HashSet<>(change.values());
    change.keySet().stream().filter(names::containsKey).map(names::get).forEach(touched::add);
    touched.remove(Named.GONE);
    Named named = new Named(call, Map.copyOf(change), Set.copyOf(touched));
    DiskState.rename(names, named);
    namesThen = null;
    changed(named);
  }

  private int inode(String name) throws NoSuchFileException {
    Integer inode = names.get(name);
    if (inode == null) {
      throw new NoSuchFileException(name);
    }
    return inode;
  }

  private static IOException broken(Call call) {
    return new IOException("Input/output error: " + call);
  }

  private static IOException full(Call call) {
    return new IOException("No space left on device: " + call);
  }

  /// One process's way to the disk.
  private final class Client implements Storage {
    private final String name;
    private final @Nullable Hook hook;
    private boolean dead;

    Client(String name, @Nullable Hook hook) {
      this.name = name;
      this.hook = hook;
    }

    private Call call(Kind kind, String file) {
      return Call.of(name, kind, file);
    }

    /// Work of a call, alone with the disk.
    private interface Work<T> {
      T run(Fate fate) throws IOException;
    }

    /// A call that either happens or fails.
    private <T> T simply(Call call, Work<T> work) throws IOException {
      return perform(
          call,
          fate -> {
            if (fate == Fate.FAILS) {
              throw broken(call);
            }
            return work.run(fate);
          });
    }

    private <T> T perform(Call call, Work<T> work) throws IOException {
      Fate fate = hook == null ? Fate.PASSES : hook.before(call);
      T done = alone(call.kind(), fate, work);
      if (hook != null && fate == Fate.IS_CUT_SHORT) {
        throw hook.halt();
      }
      return done;
    }

    private <T> T alone(Kind kind, Fate fate, Work<T> work) throws IOException {
      synchronized (SimulatedDisk.this) {
        if (dead) {
          throw new Halted(name + " is dead");
        }
        if (kind.changes()) {
          noticeMapped();
        }
        return work.run(fated(fate));
      }
    }

    @Override
    public List<String> names() throws IOException {
      return simply(
          call(Kind.NAMES, ""),
          _ -> {
            List<String> all = new ArrayList<>(names.keySet());
            Collections.reverse(all);
            return List.copyOf(all);
          });
    }

    @Override
    public File open(String file) throws IOException {
      return simply(call(Kind.OPEN, file), _ -> new Opened(this, file, inode(file)));
    }

    @Override
    public File create(String file, long bytes) throws IOException {
      Call call = new Call(name, Kind.CREATE, file, 0, bytes);
      return simply(
          call,
          fate -> {
            if (names.containsKey(file)) {
              throw new FileAlreadyExistsException(file);
            }
            if (fate == Fate.FINDS_NO_SPACE || !fits(bytes)) {
              throw full(call);
            }
            int inode = ++inodes;
            name(call, Map.of(file, inode));
            cached.put(inode, Data.EMPTY.grown(bytes));
            changed(new Grown(call, inode, 0, bytes));
            return new Opened(this, file, inode);
          });
    }

    @Override
    public void rename(String from, String to) throws IOException {
      Call call = call(Kind.RENAME, from + " to " + to);
      simply(
          call,
          _ -> {
            int inode = inode(from);
            if (!from.equals(to)) {
              name(call, Map.of(from, Named.GONE, to, inode));
            }
            return true;
          });
    }

    @Override
    public boolean link(String from, String to) throws IOException {
      Call call = call(Kind.LINK, from + " to " + to);
      return simply(
          call,
          _ -> {
            int inode = inode(from);
            if (names.containsKey(to)) {
              return false;
            }
            name(call, Map.of(to, inode));
            return true;
          });
    }

    @Override
    public void delete(String file) throws IOException {
      Call call = call(Kind.DELETE, file);
      simply(
          call,
          _ -> {
            if (names.containsKey(file)) {
              name(call, Map.of(file, Named.GONE));
            }
            return true;
          });
    }

    @Override
    public void sync() throws IOException {
      Call call = call(Kind.SYNC, "");
      simply(
          call,
          _ -> {
            makeNamesSafe();
            return true;
          });
    }

    @Override
    public String toString() {
      return "simulated disk of " + name;
    }
  }

  /// A file that a process has open.
  private final class Opened implements Storage.File {
    private final Client client;
    private final String name;
    private final int inode;
    private boolean closed;

    Opened(Client client, String name, int inode) {
      this.client = client;
      this.name = name;
      this.inode = inode;
    }

    private Call call(Kind kind, long at, long bytes) {
      return new Call(client.name, kind, name, at, bytes);
    }

    private void requireOpen() throws IOException {
      if (closed) {
        throw new ClosedChannelException();
      }
    }

    @Override
    public long size() throws IOException {
      return client.simply(
          call(Kind.SIZE, 0, 0),
          _ -> {
            requireOpen();
            return data(inode).size();
          });
    }

    @Override
    public int read(ByteBuffer into, long at) throws IOException {
      return client.simply(
          call(Kind.READ, at, into.remaining()),
          _ -> {
            requireOpen();
            if (mapped.containsKey(inode)) {
              noticeMapped();
            }
            return data(inode).read(into, at);
          });
    }

    @Override
    public void write(ByteBuffer from, long at) throws IOException {
      Call call = call(Kind.WRITE, at, from.remaining());
      client.perform(
          call,
          fate -> {
            requireOpen();
            long growth = Math.max(0, at + from.remaining() - data(inode).size());
            if (growth > 0 && mapped.containsKey(inode)) {
              throw new UnsupportedOperationException(name + " is mapped and cannot grow");
            }
            boolean full = growth > 0 && (fate == Fate.FINDS_NO_SPACE || !fits(growth));
            boolean whole = !full && (fate == Fate.PASSES || fate == Fate.FINDS_NO_SPACE);
            int half = from.remaining() / 2;
            int room = full ? Math.clamp(data(inode).size() - at, 0, half) : half;
            int count = whole ? from.remaining() : room;
            SimulatedDisk.this.write(call, inode, from.slice(from.position(), count), at);
            if (full) {
              throw full(call);
            }
            if (fate == Fate.FAILS) {
              throw broken(call);
            }
            from.position(from.limit());
            return true;
          });
    }

    @Override
    public void flush() throws IOException {
      Call call = call(Kind.FLUSH, 0, 0);
      client.perform(
          call,
          fate -> {
            requireOpen();
            if (fate == Fate.FAILS) {
              forget(inode);
              throw broken(call);
            }
            makeSafe(inode);
            return true;
          });
    }

    @Override
    public ByteBuffer map(long at, int bytes) throws IOException {
      return client.simply(
          call(Kind.MAP, at, bytes),
          _ -> {
            requireOpen();
            Data data = data(inode);
            if (at % Long.BYTES != 0 || at + bytes > data.size()) {
              throw new IOException(name + ": no words at " + at + " to " + (at + bytes));
            }
            Mapping mapping = mapped.computeIfAbsent(inode, _ -> new Mapping(name, data));
            return mapping.memory.slice((int) at, bytes);
          });
    }

    /// The bytes as they are now: whoever views a part says that nobody writes to it any more.
    @Override
    public MemorySegment view(long at, long bytes, Arena arena) throws IOException {
      return client.simply(
          call(Kind.MAP, at, bytes),
          _ -> {
            requireOpen();
            if (!names.containsValue(inode)) {
              throw new NoSuchFileException(name);
            }
            if (at + bytes > data(inode).size()) {
              throw new IOException(name + ": nothing to see up to " + (at + bytes));
            }
            MemorySegment now = arena.allocate(bytes, Long.BYTES);
            data(inode).read(now.asByteBuffer(), at);
            return now.asReadOnly();
          });
    }

    @Override
    public boolean tryLock(long at, boolean shared) throws IOException {
      return client.simply(
          call(Kind.LOCK, at, 1),
          _ -> {
            requireOpen();
            Map<Client, Boolean> holders =
                locks.computeIfAbsent(new Lockable(inode, at), _ -> new HashMap<>());
            boolean free =
                holders.entrySet().stream()
                    .allMatch(held -> held.getKey() == client || (shared && held.getValue()));
            if (free) {
              holders.put(client, shared);
            }
            return free;
          });
    }

    @Override
    public void unlock(long at) throws IOException {
      client.simply(
          call(Kind.UNLOCK, at, 1),
          _ -> {
            requireOpen();
            Map<Client, Boolean> holders = locks.get(new Lockable(inode, at));
            return holders != null && holders.remove(client) != null;
          });
    }

    @Override
    public void close() throws IOException {
      Call call = call(Kind.CLOSE, 0, 0);
      client.perform(
          call,
          fate -> {
            if (!closed) {
              closed = true;
              locks.forEach((lockable, holders) -> {
                if (lockable.inode() == inode) {
                  holders.remove(client);
                }
              });
              if (fate == Fate.FAILS) {
                throw broken(call);
              }
            }
            return true;
          });
    }
  }
}
