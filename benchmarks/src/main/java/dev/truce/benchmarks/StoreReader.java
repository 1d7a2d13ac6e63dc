package dev.truce.benchmarks;

import dev.truce.benchmarks.Kept.Kind;
import dev.truce.benchmarks.Rounds.Contestant;
import java.io.IOException;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/// Reads stores that were filled before, in a JVM that does nothing else.
final class StoreReader {
  /// How many entries one scan goes through.
  static final int SCANNED = 1_000;

  /// How many keys are asked for, one after the other: more than caches hold.
  private static final int ASKED = 1 << 18;

  private final int keys;
  private final String[] asked;
  private int next;

  private StoreReader(int keys) {
    this.keys = keys;
    SplittableRandom random = new SplittableRandom(7);
    this.asked = new String[Math.min(ASKED, Integer.highestOneBit(keys))];
    for (int i = 0; i < asked.length; i++) {
      asked[i] = Kept.key(random.nextInt(keys));
    }
  }

  /// Arguments: place, folder, what to race, keys, rounds, milliseconds of a round and of the
  /// warm-up. Prints a line for each contestant: its kind and its rounds, with tabs between.
  public static void main(String[] args) throws Exception {
    Rounds rounds =
        new Rounds(Integer.parseInt(args[4]), Long.parseLong(args[5]), Long.parseLong(args[6]));
    Map<Kind, Kept> open = new EnumMap<>(Kind.class);
    try {
      for (Kind kind : Kind.values()) {
        open.put(kind, Kept.open(kind, Path.of(args[0]).resolve(args[1])));
      }
      StoreReader reader = new StoreReader(Integer.parseInt(args[3]));
      Map<String, Contestant> race = new LinkedHashMap<>();
      open.forEach((kind, kept) -> {
        Contestant contestant = reader.contestant(args[2], kind, kept);
        if (contestant != null) {
          race.put(kind.word(), contestant);
        }
      });
      for (Contestant contestant : race.values()) {
        contestant.repeat(reader.onceRound(args[2]));
      }
      StringBuilder lines = new StringBuilder();
      rounds
          .race(race)
          .forEach((name, one) -> {
            lines.append(name);
            one.rounds().forEach(round -> lines.append('\t').append(round));
            lines.append('\n');
          });
      System.out.print(lines);
      System.out.flush();
    } finally {
      for (Kept kept : open.values()) {
        kept.close();
      }
    }
  }

  private @Nullable Contestant contestant(String what, Kind kind, Kept kept) {
    return switch (what) {
      case "now" -> times -> look(kind, kept::get, times);
      case "then" ->
          kind == Kind.TRUCE || kind == Kind.LMDB
              ? times -> look(kind, kept::getThen, times)
              : null;
      case "scan" -> times -> scan(kind, kept, times);
      default -> throw new IllegalArgumentException(what);
    };
  }

  /// After so many repetitions each page was touched, however busy the machine is.
  private long onceRound(String what) {
    return what.equals("scan") ? Math.max(1, keys / SCANNED) : asked.length;
  }

  private interface Look {
    byte @Nullable [] at(String key) throws Exception;
  }

  private void look(Kind kind, Look look, long times) throws Exception {
    for (long i = 0; i < times; i++) {
      byte[] found = look.at(asked[next++ & asked.length - 1]);
      if (found == null || found.length != Kept.VALUE_BYTES) {
        throw new IOException(kind + " does not have a key that it was given");
      }
    }
  }

  private void scan(Kind kind, Kept kept, long times) throws Exception {
    int most = Math.min(SCANNED, keys);
    for (long i = 0; i < times; i++) {
      int from = (int) ((next++ & Integer.MAX_VALUE) * 7919L * SCANNED % (keys - most + 1));
      String first = Kept.key(from);
      if (kept.scan(first, most) != (long) most * (first.length() + Kept.VALUE_BYTES)) {
        throw new IOException(kind + " does not have all keys that it was given");
      }
    }
  }
}
