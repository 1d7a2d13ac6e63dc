package dev.truce.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.truce.Owner;
import dev.truce.Truce;
import dev.truce.store.Codec;
import dev.truce.store.ConflictException;
import dev.truce.store.ConflictException.Clash;
import dev.truce.store.ConflictException.Kind;
import dev.truce.store.Draft;
import dev.truce.store.Store;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// What becomes of commits that others are in the way of, over whatever engine. Each handle stands
/// for a process.
public abstract class ConflictContract extends EngineContract {
  private final List<Truce> handles = new ArrayList<>();

  /// For a subclass, which names the engine.
  protected ConflictContract() {}

  @AfterEach
  void closeHandles() {
    handles.forEach(Truce::close);
  }

  private Truce handle() {
    Truce truce = Truce.over(place().open());
    handles.add(truce);
    return truce;
  }

  private Store<String> texts(String name) {
    return handle().store(name, Codec.utf8());
  }

  /// Has somebody else do something after each run of the body, before it lands.
  private static Consumer<Draft<String>> then(Consumer<Draft<String>> body, Runnable meanwhile) {
    return draft -> {
      body.accept(draft);
      meanwhile.run();
    };
  }

  private static ConflictException refused(Store<String> store, Consumer<Draft<String>> body) {
    return assertThrows(ConflictException.class, () -> store.commit(body));
  }

  private static Optional<String> text(Optional<byte[]> value) {
    return value.map(bytes -> new String(bytes, StandardCharsets.UTF_8));
  }

  // ---- both sides

  @Test
  void refused_writtenByOthers_tellsBothSides() {
    Store<String> mine = texts("s").withRounds(2);
    Store<String> theirs = texts("s");
    Instant began = Instant.now().minusSeconds(1);
    theirs.put("k", "a");
    ConflictException refused =
        refused(mine, then(draft -> draft.put("k", "mine"), () -> theirs.put("k", "theirs")));
    assertEquals(Kind.WRITE_WRITE, refused.kind());
    assertEquals(2, refused.rounds());
    assertEquals(Optional.empty(), refused.parked());
    Clash clash = refused.clashes().getFirst();
    assertEquals(List.of(2L, 3L), List.of(clash.ourBase(), clash.theirRevision()));
    assertEquals(Optional.of("mine"), text(clash.ourValue()));
    assertEquals(Optional.of("theirs"), text(clash.theirValue()));
    assertTrue(clash.theirsAt().isAfter(began));
    Owner me = theirs.put("other", "").writer();
    assertEquals(List.of(me, me), List.of(clash.ours(), clash.theirs()));
    assertEquals(
        "s: k is at revision 3 by "
            + me
            + ", changed since 2, which "
            + me
            + " read; nothing was written: others were faster each time, of 2",
        refused.getMessage());
  }

  @Test
  void refused_removedByOthers_tellsWho() {
    Store<String> mine = texts("s").withRounds(1);
    Store<String> theirs = texts("s");
    Owner me = theirs.put("k", "a").writer();
    Clash clash =
        refused(mine, then(draft -> draft.remove("k"), () -> theirs.remove("k")))
            .clashes()
            .getFirst();
    assertEquals(0, clash.theirRevision());
    assertEquals(me, clash.theirs());
    assertEquals(Optional.empty(), clash.ourValue());
    assertEquals(Optional.empty(), clash.theirValue());
    assertTrue(clash.toString().startsWith("s: k was removed by " + me), clash::toString);
  }

  @Test
  void refused_stale_tellsBothSides() {
    Store<String> mine = texts("s");
    Owner me = mine.put("k", "a").writer();
    ConflictException stale =
        refused(mine, draft -> draft.requireRevision("k", 7).put("k", "mine"));
    assertEquals(Kind.STALE, stale.kind());
    assertEquals(1, stale.rounds());
    Clash clash = stale.clashes().getFirst();
    assertEquals(List.of(7L, 1L), List.of(clash.ourBase(), clash.theirRevision()));
    assertEquals(Optional.of("mine"), text(clash.ourValue()));
    assertEquals(Optional.of("a"), text(clash.theirValue()));
    assertEquals(
        "s: k is at revision 1 by "
            + me
            + ", not at 7 as "
            + me
            + " requires; nothing was written: read it again and decide anew",
        stale.getMessage());
    Clash never =
        refused(mine, draft -> draft.requireRevision("new", 7).put("k", "b")).clashes().getFirst();
    assertEquals("nobody", never.theirs().name());
    assertEquals(Instant.EPOCH, never.theirsAt());
    assertEquals("s: new is not there, not at 7 as " + me + " requires", never.toString());
  }

  /// The decider meets one key first; told are all.
  @Test
  void refused_severalKeys_tellsAll() {
    Store<String> mine = texts("s").withRounds(1);
    Store<String> theirs = texts("s");
    Consumer<Draft<String>> many =
        draft -> {
          for (int i = 10; i < 15; i++) {
            draft.put("k" + i, "v");
          }
        };
    theirs.put("other", "");
    ConflictException refused = refused(mine, then(many, () -> theirs.commit(many)));
    assertEquals(
        List.of("k10", "k11", "k12", "k13", "k14"),
        refused.clashes().stream().map(Clash::key).toList());
    assertTrue(String.valueOf(refused.getMessage()).contains("; and 2 more; nothing was written"));
  }
}
