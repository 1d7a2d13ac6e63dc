package dev.truce.cli;

import dev.truce.Truce;
import dev.truce.store.Feed;
import dev.truce.store.Snapshot;
import dev.truce.store.Store;
import java.time.Duration;
import java.util.Iterator;
import java.util.Optional;
import java.util.stream.Stream;

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
      if (step.isPresent() && tell(step.get())) {
        told++;
      }
    }
  }

  /// Whether there was something to tell.
  private boolean tell(Feed.Step<byte[]> step) {
    return switch (step) {
      case Feed.Changes<byte[]> changes -> {
        long revision = changes.commit().revision();
        yield print(
            changes.changes().stream()
                .filter(change -> change.key().startsWith(prefix))
                .map(change -> Line.of(revision, change.key(), change.value())));
      }
      case Feed.Replaced<byte[]> replaced -> {
        long revision = replaced.commit().revision();
        try (Snapshot<byte[]> content = replaced.from()) {
          yield print(
              Stream.concat(
                  Stream.of(new Line(revision, "replaced", Optional.empty(), Optional.empty())),
                  content
                      .prefix(prefix)
                      .map(entry -> Line.of(revision, entry.key(), Optional.of(entry.value())))));
        }
      }
      case Feed.TooOld<byte[]> letGo -> {
        try (Snapshot<byte[]> content = letGo.from()) {
          throw Failure.tooOld(
              "what was committed up to revision "
                  + letGo.floor()
                  + " is kept no longer: take what is there by truce store export --at "
                  + content.revision()
                  + ", and go on with --from "
                  + content.revision());
        }
      }
    };
  }

  /// A line to come.
  ///
  /// @param key empty where it is about the store
  private record Line(long revision, String what, Optional<String> key, Optional<byte[]> value) {
    static Line of(long revision, String key, Optional<byte[]> value) {
      return new Line(revision, value.isPresent() ? "put" : "rm", Optional.of(key), value);
    }
  }

  /// The lines of a commit, one after the other: there may be as many as the store has keys.
  private boolean print(Stream<Line> all) {
    Iterator<Line> lines = all.iterator();
    boolean some = lines.hasNext();
    while (lines.hasNext()) {
      Line line = lines.next();
      console.print(text(line, !lines.hasNext()));
    }
    return some;
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
