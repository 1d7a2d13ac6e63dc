package dev.truce.testkit;

import dev.truce.testkit.Pending.Grown;
import dev.truce.testkit.Pending.Named;
import dev.truce.testkit.Pending.Written;
import java.nio.ByteBuffer;
import java.util.AbstractList;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.function.IntPredicate;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// A [SimulatedDisk] at one moment, as a value: what is in memory, what is on the platter, and what
/// lies between.
///
/// A power cut takes memory away and leaves some of what lay between: [#afterPowerCut]. As it is,
/// the state is what a machine that goes on has after all processes died.
public final class DiskState {
  /// Nothing at all.
  public static final DiskState EMPTY = of(Map.of());

  private final Map<String, Integer> names;
  private final Map<String, Integer> durableNames;
  private final Map<Integer, Data> cached;
  private final Map<Integer, Data> durable;
  private final List<Pending> pending;

  DiskState(
      Map<String, Integer> names,
      Map<String, Integer> durableNames,
      Map<Integer, Data> cached,
      Map<Integer, Data> durable,
      List<Pending> pending) {
    this.names = names;
    this.durableNames = durableNames;
    this.cached = cached;
    this.durable = durable;
    this.pending = pending;
  }

  /// A disk that holds these files, all of it safe.
  public static DiskState of(Map<String, byte[]> files) {
    Map<String, Integer> names = new TreeMap<>();
    Map<Integer, Data> contents = new HashMap<>();
    new TreeMap<>(files)
        .forEach((name, bytes) -> {
          names.put(name, names.size() + 1);
          contents.put(names.size(), Data.of(bytes));
        });
    return safe(names, contents);
  }

  private static DiskState safe(Map<String, Integer> names, Map<Integer, Data> contents) {
    return new DiskState(names, names, contents, contents, List.of());
  }

  Map<String, Integer> names() {
    return names;
  }

  Map<String, Integer> durableNames() {
    return durableNames;
  }

  Map<Integer, Data> cached() {
    return cached;
  }

  Map<Integer, Data> durable() {
    return durable;
  }

  List<Pending> pending() {
    return pending;
  }

  /// How many changes a power cut could still undo.
  public int unsafe() {
    return pending.size();
  }

  /// What processes see: each file by its name.
  public Map<String, byte[]> files() {
    Map<String, byte[]> files = new TreeMap<>();
    names.forEach((name, inode) -> files.put(name, data(inode).bytes()));
    return files;
  }

  private Data data(int inode) {
    return orEmpty(cached.get(inode));
  }

  /// The same disk, all of it safe, with one bit of one file turned.
  ///
  /// @param bit counted from the first byte's lowest
  public DiskState withBitFlipped(String name, long bit) {
    Integer inode = names.get(name);
    if (inode == null) {
      throw new IllegalArgumentException("no file " + name);
    }
    byte[] one = new byte[1];
    int at = Math.toIntExact(bit / Byte.SIZE);
    Data data = data(inode);
    data.read(ByteBuffer.wrap(one), at);
    one[0] ^= (byte) (1 << bit % Byte.SIZE);
    Map<Integer, Data> contents = new HashMap<>(cached);
    contents.put(inode, data.written(ByteBuffer.wrap(one), at).appliedTo(data));
    return safe(names, contents);
  }

  /// After a power cut that lost everything that was not flushed.
  public DiskState afterPowerCut() {
    return afterPowerCut(new Loss(new BitSet(), null));
  }

  /// After a power cut: nothing of it is in doubt any more.
  DiskState afterPowerCut(Loss loss) {
    Map<String, Integer> left = new TreeMap<>(durableNames);
    Map<Integer, Data> contents = new HashMap<>(durable);
    List<Named> lost = new ArrayList<>();
    for (int i = 0; i < pending.size(); i++) {
      BitSet sectors =
          loss.torn() != null && loss.torn().item() == i ? loss.torn().sectors() : null;
      boolean kept = loss.kept().get(i);
      switch (pending.get(i)) {
        case Written written when kept || sectors != null ->
            contents.compute(
                written.inode(), (_, data) -> written.extent().appliedTo(orEmpty(data), sectors));
        case Grown grown when kept || sectors != null ->
            contents.compute(
                grown.inode(),
                (_, data) ->
                    orEmpty(data)
                        .grown(sectors == null ? grown.to() : (grown.from() + grown.to()) / 2));
        case Named named when kept && lost.stream().noneMatch(named::needs) -> rename(left, named);
        case Named named -> lost.add(named);
        case Written _, Grown _ -> {}
      }
    }
    contents.keySet().retainAll(left.values());
    left.values().forEach(inode -> contents.putIfAbsent(inode, Data.EMPTY));
    return safe(left, contents);
  }

  /// What becomes of a file's contents by a change to them that is kept whole.
  static Data apply(Pending change, Data before) {
    return switch (change) {
      case Written written -> written.extent().appliedTo(before);
      case Grown grown -> before.grown(grown.to());
      case Named _ -> before;
    };
  }

  static void rename(Map<String, Integer> names, Named named) {
    named
        .names()
        .forEach((name, inode) -> {
          if (inode == Named.GONE) {
            names.remove(name);
          } else {
            names.put(name, inode);
          }
        });
  }

  private static Data orEmpty(@Nullable Data data) {
    return data == null ? Data.EMPTY : data;
  }

  /// Equal for equal disks, what is in doubt included. Which file came first does not count.
  public long hash() {
    long sum = Sector.mix(hash(names, cached), hash(durableNames, durable));
    for (Pending one : pending) {
      sum = Sector.mix(sum, one.hash());
    }
    return sum;
  }

  private static long hash(Map<String, Integer> names, Map<Integer, Data> contents) {
    long sum = 0;
    Map<Integer, Integer> firstName = new HashMap<>();
    for (Map.Entry<String, Integer> entry : names.entrySet()) {
      int other = firstName.computeIfAbsent(entry.getValue(), _ -> entry.getKey().hashCode());
      Data data = contents.get(entry.getValue());
      sum +=
          Sector.mix(Sector.mix(entry.getKey().hashCode(), other), data == null ? 0 : data.hash());
    }
    return sum;
  }

  /// What a power cut leaves of what was not safe.
  ///
  /// @param kept which of the pending changes reach the disk whole
  /// @param torn one that reaches it in part, if there is one
  record Loss(BitSet kept, @Nullable Torn torn) {
    /// @param sectors which of its sectors reach the disk
    record Torn(int item, BitSet sectors) {}

    private static final int SUBSETS_OF = 6;

    private static final int RANDOM_TEARS = 4;

    private static final int RANDOM_SUBSETS = 4;

    /// The losses worth trying: every subset of the last six changes by calls, with all, none or
    /// any of the others; each change by a call lost alone and kept alone; each write torn, every
    /// subset of few sectors and a sample of many, with all or none of the others, or with those
    /// before it. Always the same ones for the same `seed`.
    ///
    /// Each is made when it is asked for: there are hundreds at each moment, of which few are
    /// tried.
    static List<Loss> of(List<Pending> pending, long seed) {
      int count = pending.size();
      SplittableRandom random = new SplittableRandom(Sector.mix(seed, count));
      List<Supplier<Loss>> losses = new ArrayList<>();
      List<Integer> recent = recent(pending);
      for (int subset = 0; subset < 1 << recent.size(); subset++) {
        int some = subset;
        losses.add(() -> whole(with(recent, some, new BitSet())));
        if (count > recent.size()) {
          losses.add(() -> whole(with(recent, some, range(0, count))));
        }
      }
      if (count > recent.size()) {
        for (int i = 0; i < RANDOM_SUBSETS; i++) {
          Loss any = whole(kept(count, _ -> random.nextBoolean()));
          losses.add(() -> any);
        }
        for (int alone : callsOf(pending)) {
          losses.add(() -> whole(range(alone, alone + 1)));
          losses.add(() -> whole(allBut(alone, count)));
        }
      }
      for (int i = 0; i < count; i++) {
        for (BitSet sectors : tears(pending.get(i), random)) {
          int torn = i;
          Torn tear = new Torn(i, sectors);
          losses.add(() -> new Loss(new BitSet(), tear));
          losses.add(() -> new Loss(range(0, torn), tear));
          losses.add(() -> new Loss(allBut(torn, count), tear));
        }
      }
      return new Losses(losses);
    }

    private static final class Losses extends AbstractList<Loss> {
      private final List<Supplier<Loss>> losses;

      Losses(List<Supplier<Loss>> losses) {
        this.losses = losses;
      }

      @Override
      public Loss get(int index) {
        return losses.get(index).get();
      }

      @Override
      public int size() {
        return losses.size();
      }
    }

    private static BitSet allBut(int one, int count) {
      BitSet kept = range(0, count);
      kept.clear(one);
      return kept;
    }

    private static Loss whole(BitSet kept) {
      return new Loss(kept, null);
    }

    /// The last six changes; those by mappings, of which there are many, only where there are fewer
    /// by calls.
    private static List<Integer> recent(List<Pending> pending) {
      List<Integer> calls = callsOf(pending);
      List<Integer> recent = new ArrayList<>(calls.reversed());
      for (int i = pending.size() - 1; i >= 0; i--) {
        if (!calls.contains(i)) {
          recent.add(i);
        }
      }
      return recent.subList(0, Math.min(SUBSETS_OF, recent.size()));
    }

    private static List<Integer> callsOf(List<Pending> pending) {
      return IntStream.range(0, pending.size())
          .filter(i -> !(pending.get(i) instanceof Written written && written.mapped()))
          .boxed()
          .toList();
    }

    private static BitSet kept(int count, IntPredicate which) {
      BitSet kept = new BitSet();
      for (int i = 0; i < count; i++) {
        kept.set(i, which.test(i));
      }
      return kept;
    }

    private static BitSet with(List<Integer> some, int subset, BitSet kept) {
      for (int i = 0; i < some.size(); i++) {
        kept.set(some.get(i), (subset >>> i & 1) != 0);
      }
      return kept;
    }

    private static List<BitSet> tears(Pending pending, SplittableRandom random) {
      int sectors =
          switch (pending) {
            case Written written -> written.sectors();
            case Grown _ -> 2;
            case Named _ -> 1;
          };
      List<BitSet> tears = new ArrayList<>();
      if (pending instanceof Grown) {
        tears.add(BitSet.valueOf(new long[] {1}));
      } else if (sectors > 1 && sectors <= 4) {
        for (long subset = 1; subset < (1 << sectors) - 1; subset++) {
          tears.add(BitSet.valueOf(new long[] {subset}));
        }
      } else if (sectors > 4) {
        tears.add(range(0, 1));
        tears.add(range(0, sectors / 2));
        tears.add(range(0, sectors - 1));
        tears.add(range(1, sectors));
        tears.add(range(sectors - 1, sectors));
        for (int i = 0; i < RANDOM_TEARS; i++) {
          BitSet any = new BitSet();
          IntStream.range(0, sectors).filter(_ -> random.nextBoolean()).forEach(any::set);
          tears.add(any);
        }
      }
      return tears;
    }

    private static BitSet range(int from, int to) {
      BitSet range = new BitSet();
      range.set(from, to);
      return range;
    }

    /// In words, for a message.
    String told(List<Pending> pending) {
      List<String> told = new ArrayList<>();
      for (int i = 0; i < pending.size(); i++) {
        String fate =
            torn != null && torn.item() == i
                ? "torn, sectors " + torn.sectors() + " kept"
                : kept.get(i) ? "kept" : "lost";
        told.add(
            fate + ": " + pending.get(i).by() + (pending.get(i) instanceof Grown ? " (size)" : ""));
      }
      return told.isEmpty() ? "nothing was unsafe" : String.join("\n      ", told);
    }
  }
}
