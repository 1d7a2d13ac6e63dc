package dev.truce.cli;

import dev.truce.FencedException;
import dev.truce.Truce;
import dev.truce.store.Commit;
import dev.truce.store.Entry;
import dev.truce.store.Snapshot;
import dev.truce.store.Store;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/// `truce store import` and `export`: lines into a store, in batches each of which is safe before
/// the next one is read, and a store as lines.
final class StoreFiles {
  private static final int USUAL_BATCH = 4096;
  private static final int LARGEST_BATCH = 1 << 20;

  /// A batch weighs little more than this; a commit holds 32 MiB, one value half of that.
  private static final long WEIGHT = 1 << 20;

  /// What is imported is put whatever is there, so others who write the same keys only cost time.
  private static final int ROUNDS = 100_000;

  private static final int BUFFER = 1 << 16;

  private final Store<byte[]> store;
  private final Format format;
  private final Lines lines;
  private final long batch;

  /// How many lines are in the store for good.
  private long done;

  private long commits;
  private long revision;

  private StoreFiles(Store<byte[]> store, Format format, Lines lines, long batch) {
    this.store = store;
    this.format = format;
    this.lines = lines;
    this.batch = batch;
  }

  // ---- lines into a store

  static int imports(Options options, Console console) {
    StoreCall call = StoreCall.of(options, console, 2, "STORE", "FILE");
    Format format = Format.of(options);
    long batch = options.number("batch", 1, LARGEST_BATCH, USUAL_BATCH);
    String file = options.operands().get(1);
    try (InputStream in = call.input(file);
        Truce truce = call.open()) {
      Store<byte[]> store = call.writing(truce).withRounds(ROUNDS);
      StoreFiles files = new StoreFiles(store, format, new Lines(file, in), batch);
      files.put(call, console);
      files.said(call, console);
    } catch (IOException unclosed) {
      throw Failure.unreadable(file, unclosed);
    }
    return 0;
  }

  private void put(StoreCall call, Console console) {
    boolean watched = !call.json() && Terminal.isOnError();
    try {
      for (List<Item> items = batch(); !items.isEmpty(); items = batch()) {
        List<Item> all = items;
        Commit commit = store.commit(draft -> all.forEach(item -> item.writeTo(draft)));
        done = lines.number();
        revision = commit.revision();
        commits++;
        if (watched) {
          console.progress("imported " + done + " lines");
        }
      }
    } catch (FencedException refused) {
      throw Failure.fenced(refused).adding(sofar());
    } catch (RuntimeException failure) {
      throw Failure.of(failure).adding(sofar());
    } finally {
      if (watched) {
        console.progress("");
      }
    }
  }

  /// The next lines, as many as go into one commit.
  private List<Item> batch() {
    List<Item> items = new ArrayList<>();
    long weight = 0;
    while (items.size() < batch && weight < WEIGHT) {
      byte[] line = lines.next();
      if (line == null) {
        break;
      }
      try {
        Item item = format.read(line);
        items.add(item);
        weight += item.weight();
      } catch (IllegalArgumentException malformed) {
        throw lines.malformed(String.valueOf(malformed.getMessage()));
      }
    }
    return items;
  }

  private String sofar() {
    return done == 0
        ? "; nothing was imported before"
        : "; lines 1 to " + done + " are imported: go on from line " + (done + 1);
  }

  private void said(StoreCall call, Console console) {
    console.print(
        call.json()
            ? Json.object()
                .put("schema", "truce.import/1")
                .put("store", call.name())
                .put("lines", done)
                .put("commits", commits)
                .put("revision", revision)
                .toString()
            : "imported "
                + done
                + " lines in "
                + commits
                + " commits"
                + (commits == 0 ? "" : ", revision " + revision));
  }

  // ---- a store as lines

  static int exports(Options options, Console console) {
    StoreCall call = StoreCall.of(options, console, 1, "STORE");
    Format format = Format.of(options);
    ByteArrayOutputStream lines = new ByteArrayOutputStream(BUFFER);
    try (Truce truce = call.open();
        Snapshot<byte[]> snapshot = call.snapshot(truce)) {
      Iterator<Entry<byte[]>> entries = snapshot.all().iterator();
      boolean read = true;
      while (entries.hasNext() && read) {
        format.write(entries.next(), lines);
        read = lines.size() < BUFFER || written(lines, console);
      }
      written(lines, console);
    }
    return 0;
  }

  /// Whether somebody may still read what comes.
  private static boolean written(ByteArrayOutputStream lines, Console console) {
    console.out().writeBytes(lines.toByteArray());
    lines.reset();
    return !console.out().checkError();
  }
}
