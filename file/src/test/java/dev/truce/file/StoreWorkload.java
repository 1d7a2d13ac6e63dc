package dev.truce.file;

import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.Fence;
import dev.truce.testkit.Crashes;
import dev.truce.testkit.SimulatedMachine.Body;
import java.util.Locale;
import java.util.function.UnaryOperator;

/// What one or more processes do with stores, to be crashed everywhere.
@SuppressWarnings("ImmutableEnumChecker") // they do not change; their type cannot say so
enum StoreWorkload {
  /// Two make the same store at once.
  FIRST_PUT(work ->
      work.setUp(opened(_ -> {}))
          .process("a", opened(store -> store.put("a1,s/k=v")))
          .process(
              "b",
              opened(store -> {
                store.commit("b1,s/j=w");
                store.read();
              }))),

  TWO_STORES_IN_ONE(work ->
      work.process(
              "a",
              opened(store -> {
                store.commit("a1,s/k=1,t/k=1");
                store.commit("a2,s/k=2,t/k-,t/j=2");
              }))
          .process(
              "b",
              opened(store -> {
                store.read();
                store.commit("b1,t/j=3,s/i=3");
                store.read();
              }))),

  HOT_KEY(work ->
      work.process(
              "a",
              opened(store -> {
                assertThat(store.commit("a1,s/n+")).isTrue();
                assertThat(store.commit("a2,s/n+")).isTrue();
                assertThat(store.commit("a3,s/n+")).isTrue();
              }))
          .process(
              "b",
              opened(store -> {
                assertThat(store.commit("b1,s/n+")).isTrue();
                assertThat(store.commit("b2,s/n+")).isTrue();
                assertThat(store.commit("b3,s/n+")).isTrue();
              }))),

  LIST_APPENDS(work ->
      work.process(
              "a",
              opened(store -> {
                store.commit("a1,s/x<a1,s/y<a1");
                store.commit("a2,s/y<a2");
              }))
          .process(
              "b",
              opened(store -> {
                store.commit("b1,s/y<b1");
                store.commit("b2,s/x<b2,s/y<b2");
              }))
          .process(
              "c",
              opened(store -> {
                store.readApplied();
                store.read();
              }))),

  /// Who counts rests on what it went through: keys that come and keys that go.
  A_REMOVED_KEY_AND_A_RANGE(work ->
      work.setUp(opened(store -> store.commit("0,s/k1=v,s/k2=v")))
          .process(
              "a",
              opened(store -> {
                store.commit("a1,s/k1-");
                store.commit("a2,s/k3=v");
                store.commit("a3,s/k2-");
              }))
          .process(
              "b",
              opened(store -> {
                store.commitSerializable("b1,s/count#k");
                store.commitSerializable("b2,s/count#k,t/copy#k");
              }))),

  /// Each commit tells its name in a list, for the records of the first ones are let go.
  CHECKPOINT_BESIDE_A_WRITER(work ->
      work.setUp(openedEagerly(store -> store.commit("0,s/log<0,s/gone=1")))
          .process(
              "a",
              openedEagerly(store -> {
                store.commit("a1,s/log<a1,s/gone-");
                store.commit("a2,s/log<a2,t/n+");
                store.commit("a3,s/log<a3,t/n+");
                store.commit("a4,s/log<a4,t/k=4");
                store.commit("a5,s/log<a5,t/k=5");
              }))
          .process(
              "b",
              openedEagerly(store -> {
                store.commit("b1,s/log<b1,t/n+");
                store.commit("b2,s/log<b2,t/n+");
                store.read();
              }))),

  CHECKPOINT_TWICE_BESIDE_A_READER(work ->
      work.setUp(openedEagerly(store -> store.commit("0,s/log<0,s/gone=1")))
          .process("b", openedEagerly(SimulatedStore::readOn))
          .process(
              "a",
              openedEagerly(store -> {
                store.commit("a1,s/log<a1,s/gone-");
                for (int i = 2; i <= 9; i++) {
                  store.commit("a" + i + ",s/log<a" + i + ",t/n+");
                }
              }))),

  /// Both count up, and what others have counted meanwhile is added by a resolver.
  RESOLVED(work ->
      work.process(
              "a",
              opened(store -> {
                store.commitAdding("a1,s/n+");
                store.commitAdding("a2,s/n+,t/n+");
              }))
          .process(
              "b",
              opened(store -> {
                store.commitAdding("b1,s/n+,t/n+");
                store.commitAdding("b2,s/n+");
              }))),

  /// Each rests on what the other writes.
  WRITE_SKEW(work ->
      work.setUp(opened(store -> store.commit("0,s/x=1,s/y=2")))
          .process("a", opened(store -> store.commitSerializable("a1,s/x@y")))
          .process("b", opened(store -> store.commitSerializable("b1,s/y@x")))),

  /// Of two who require the same revision of a key one is refused, for good.
  A_REQUIRED_REVISION(work ->
      work.process(
              "a",
              opened(store -> {
                store.commitAt(1, "n", "a1,s/n=a");
                store.commitAt(0, "new", "a2,s/new=a");
              }))
          .process(
              "b",
              opened(store -> {
                store.commitAt(1, "n", "b1,s/n=b");
                store.commitAt(0, "new", "b2,s/new=b");
              }))),

  /// The same commit by two processes, and again after each crash.
  REPEATED_ID(work ->
      work.process(
              "a",
              opened(store -> {
                store.commitNamed("a1,s/n+");
                store.commitNamed("a2,s/n+,t/l<a2");
              }))
          .process(
              "b",
              opened(store -> {
                store.commitNamed("a1,s/n+");
                store.commitNamed("a2,s/n+,t/l<a2");
              }))
          .recovery(SimulatedStore::repeatAndRecover)),

  /// The holder of token 3 goes on committing while another process ends it.
  FENCED_LATE(work ->
      work.process(
              "holder",
              opened(store -> {
                Fence fence = Fence.of("build", 3);
                store.commitUnder(fence, "!ended build 3", "build3-1,s/n+");
                store.commitUnder(fence, "!ended build 3", "build3-2,s/n+,t/n+");
                store.commitUnder(fence, "!ended build 3", "build3-3,s/n+");
              }))
          .process(
              "ender",
              opened(store -> {
                store.end("build", 3);
                store.commit("other,s/n+");
              }))),

  /// One does not wait until its commits are safe; what another shows as safe is, and what it
  /// commits on top of them.
  A_READER_OF_WHAT_IS_NOT_SAFE(work ->
      work.process(
              "a",
              opened(store -> {
                store.commitQuickly("a1,s/n+");
                store.commitQuickly("a2,s/n+");
                store.readApplied();
              }))
          .process(
              "b",
              opened(store -> {
                store.read();
                store.readApplied();
                store.read();
                store.commit("b1,s/n+");
                store.read();
              })));

  private final UnaryOperator<Crashes<String>> processes;

  StoreWorkload(UnaryOperator<Crashes<String>> processes) {
    this.processes = processes;
  }

  /// Its crashes: what was answered before one is held to after it.
  Crashes<String> crashes() {
    return processes.apply(
        Crashes.<String>of(name().toLowerCase(Locale.ROOT).replace('_', ' '))
            .setUp(opened(store -> store.commit("0,s/n+,s/x<0")))
            .recovery(SimulatedStore::recover)
            .chances(20));
  }

  /// What somebody does who has the stores open.
  interface Work {
    void with(SimulatedStore store) throws Exception;
  }

  static Body<String> opened(Work work) {
    return me -> {
      try (SimulatedStore store = SimulatedStore.open(me)) {
        work.with(store);
      }
    };
  }

  /// The same, where a checkpoint is taken after every few commits.
  static Body<String> openedEagerly(Work work) {
    return me -> {
      try (SimulatedStore store = SimulatedStore.openEagerly(me)) {
        work.with(store);
      }
    };
  }
}
