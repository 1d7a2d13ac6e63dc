package dev.truce.cli;

import dev.truce.Truce;
import dev.truce.store.Entry;
import dev.truce.store.Feed;
import dev.truce.store.Snapshot;
import dev.truce.store.Store;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;

/// `truce store watch`: what happens in a store, a line a change and one behind each commit.
final class StoreFlow {
  private static final Duration LONG = Duration.ofHours(1);
  private static final int INTERRUPTED = 130;

  private final String prefix;
  private final boolean json;
  private final Console console;

  private StoreFlow(String prefix, boolean json, Console console) {
    this.prefix = prefix;
    this.json = json;
    this.console = console;
  }

  static int run(Options options, Console console) {
    StoreCall call = StoreCall.of(options, console, 1, "STORE", "PREFIX");
    String prefix = call.operand(1);
    long most = options.number("count", 1, Long.MAX_VALUE, Long.MAX_VALUE);
    long from = options.number("from", 0, StoreCall.REVISIONS, -1);
    StoreFlow flow = new StoreFlow(prefix == null ? "" : prefix, call.json(), console);
    try (Truce truce = call.open()) {
      Store<byte[]> store = call.store(truce);
      try (Feed<byte[]> feed = store.feed(from < 0 ? now(store) : from)) {
        flow.tell(feed, most);
      }
    } catch (InterruptedException interrupted) {
      return INTERRUPTED;
    }
    return 0;
  }

  private static long now(Store<byte[]> store) {
    try (Snapshot<byte[]> snapshot = store.snapshot()) {
      return snapshot.revision();
    }
  }

  /// Until so many commits are told, or nobody reads on.
  private void tell(Feed<byte[]> feed, long most) throws InterruptedException {
    long told = 0;
    while (told < most && !console.out().checkError()) {
      Optional<Feed.Step<byte[]>> step = feed.next(LONG);
      if (step.isPresent()) {
        List<Line> lines = lines(step.get());
        for (int i = 0; i < lines.size(); i++) {
          console.print(text(lines.get(i), i == lines.size() - 1));
        }
        told += lines.isEmpty() ? 0 : 1;
      }
    }
  }

  /// A line to come.
  ///
  /// @param key null where it is about the store
  private record Line(long revision, String what, Optional<String> key, Optional<byte[]> value) {}

  private List<Line> lines(Feed.Step<byte[]> step) {
    List<Line> lines = new ArrayList<>();
    switch (step) {
      case Feed.Changes<byte[]> changes -> {
        for (Feed.Change<byte[]> change : changes.changes()) {
          if (change.key().startsWith(prefix)) {
            lines.add(
                new Line(
                    changes.commit().revision(),
                    change.value().isPresent() ? "put" : "rm",
                    Optional.of(change.key()),
                    change.value()));
          }
        }
      }
      case Feed.Replaced<byte[]> replaced -> {
        long revision = replaced.commit().revision();
        lines.add(new Line(revision, "replaced", Optional.empty(), Optional.empty()));
        try (Snapshot<byte[]> content = replaced.from()) {
          for (Iterator<Entry<byte[]>> all = content.prefix(prefix).iterator(); all.hasNext(); ) {
            Entry<byte[]> entry = all.next();
            lines.add(
                new Line(revision, "put", Optional.of(entry.key()), Optional.of(entry.value())));
          }
        }
      }
      case Feed.TooOld<byte[]> letGo -> {
        try (Snapshot<byte[]> content = letGo.from()) {
          throw Failure.tooOld(
              "what was committed up to revision "
                  + letGo.floor()
                  + " is kept no longer: take what is there at revision "
                  + content.revision()
                  + ", by truce store export --at, and watch --from that");
        }
      }
    }
    return lines;
  }

  private String text(Line line, boolean last) {
    if (!json) {
      String text =
          line.revision
              + " "
              + line.what
              + line.key.map(key -> " " + Text.shown(key)).orElse("")
              + line.value.map(value -> " " + value.length).orElse("");
      return last ? text + "\n" + line.revision + " --" : text;
    }
    Json object =
        Json.object()
            .put("schema", "truce.change/1")
            .put("revision", line.revision)
            .put("key", line.key.orElse(null))
            .put("change", line.what);
    object =
        line.value.isPresent() ? Values.put(object, line.value.get()) : object.putNull("value");
    return object.put("last", last).toString();
  }
}
