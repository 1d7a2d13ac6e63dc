package dev.truce.lock;

import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.Fence;
import dev.truce.Truce;
import dev.truce.memory.MemoryEngine;
import dev.truce.spi.Engine;
import dev.truce.spi.Journal.Result;
import dev.truce.spi.Journal.Unit;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Every state that a lease can be in, and what comes of everything that can be asked of it there.
class LeaseStatesTest {
  private static final Duration TERM = Duration.ofSeconds(10);
  private static final Duration LEAST = Duration.ofSeconds(5);

  /// `yes` and `no` are answers, `done` says that it was done, `lost` and `not more` are refusals:
  /// [LockLostException] and [IllegalStateException].
  private static final String TABLE =
      """
      state       | valid | renew    | release | term | a guarded write | another's try | force
      stands      | yes   | done     | done    | done | yes             | no            | yes
      renewed     | yes   | done     | done    | done | yes             | no            | yes
      used up     | yes   | not more | done    | done | yes             | no            | yes
      restored    | yes   | done     | done    | done | yes             | no            | yes
      over        | no    | lost     | lost    | lost | yes             | yes           | no
      expired     | no    | lost     | lost    | lost | no              | yes           | no
      taken over  | no    | lost     | lost    | lost | no              | no            | yes
      given back  | no    | lost     | lost    | lost | no              | yes           | no
      kept        | no    | lost     | lost    | lost | no              | no            | yes
      no more kept| no    | lost     | lost    | lost | no              | yes           | no
      revoked     | no    | lost     | lost    | lost | no              | yes           | no
      ended before| no    | lost     | lost    | lost | no              | yes           | no
      elsewhere   | no    | lost     | lost    | lost | yes             | yes           | no
      """;

  /// One field of the table.
  record Case(String state, String operation, String expected) {
    @Override
    public String toString() {
      return state + ": " + operation + " -> " + expected;
    }
  }

  static Stream<Case> table() {
    List<List<String>> rows =
        TABLE
            .lines()
            .map(line -> Arrays.stream(line.split("\\|")).map(String::strip).toList())
            .toList();
    return rows.stream()
        .skip(1)
        .flatMap(row ->
            rows.getFirst().stream()
                .skip(1)
                .map(operation ->
                    new Case(
                        row.getFirst(), operation, row.get(rows.getFirst().indexOf(operation)))));
  }

  private final TestTicker ticker = new TestTicker();
  private final MemoryEngine memory = MemoryEngine.create(ticker);
  private final List<Truce> open = new ArrayList<>();
  private Engine engine = memory;

  @AfterEach
  void close() {
    open.forEach(Truce::close);
  }

  private Truce open(Engine on, String owner) {
    Truce truce = Truce.builder().engine(on).owner(owner).host("here").open();
    open.add(truce);
    return truce;
  }

  private void pass(Duration time) {
    ticker.advance(time.toNanos());
  }

  @ParameterizedTest
  @MethodSource("table")
  void leaseInAState_askedForSomething_answersAsTheTableSays(Case asked) throws Exception {
    Lease lease = in(asked.state());
    Truce other = open(engine, "other");
    String answer = answer(asked.operation(), lease, other);
    assertThat(answer).isEqualTo(asked.expected());
    assertStays(asked, lease);
  }

  /// What has ended has ended, whatever was asked; what stands is gone only when it was meant.
  private void assertStays(Case asked, Lease lease) {
    boolean stood = List.of("stands", "renewed", "used up", "restored").contains(asked.state());
    boolean ends = List.of("release", "force").contains(asked.operation());
    assertThat(lease.isValid()).isEqualTo(stood && !ends);
    if (!lease.isValid()) {
      assertThat(answer(lease::renew)).isEqualTo("lost");
      assertThat(answer(lease::term)).isEqualTo("lost");
    }
    if (stood && ends) {
      assertThat(taken(lease.fence())).isFalse();
    }
  }

  /// A lease that has come into this state.
  private Lease in(String state) throws Exception {
    Truce owner = open(memory.another(), "owner");
    NamedLock lock = owner.lock("n");
    return switch (state) {
      case "stands" -> lock.lease(TERM, Duration.ZERO);
      case "renewed" -> renewed(lock.withRenewals(2).lease(TERM, Duration.ZERO));
      case "used up" -> renewed(lock.withRenewals(1).lease(TERM, Duration.ZERO));
      case "restored" -> restarted(lock.lease(TERM, Duration.ZERO));
      case "over" -> after(lock.lease(TERM, Duration.ZERO), _ -> pass(TERM));
      case "expired" -> after(lock.lease(TERM, Duration.ZERO), _ -> expire(owner));
      case "taken over" -> after(lock.lease(TERM, Duration.ZERO), _ -> takeOver(owner));
      case "given back" -> after(lock.lease(TERM, Duration.ZERO), Lease::release);
      case "kept" -> after(lock.withLeastHold(LEAST).lease(TERM, Duration.ZERO), Lease::release);
      case "no more kept" ->
          after(
              lock.withLeastHold(LEAST).lease(TERM, Duration.ZERO),
              lease -> {
                lease.release();
                pass(LEAST);
              });
      case "revoked" -> after(lock.lease(TERM, Duration.ZERO), _ -> lock.revoke("test"));
      case "ended before" -> restarted(after(lock.lease(TERM, Duration.ZERO), Lease::release));
      case "elsewhere" -> elsewhere(lock.lease(TERM, Duration.ZERO));
      default -> throw new AssertionError(state);
    };
  }

  private interface Event {
    void happens(Lease to);
  }

  private static Lease after(Lease lease, Event event) {
    event.happens(lease);
    return lease;
  }

  private Lease renewed(Lease lease) {
    pass(Duration.ofSeconds(1));
    lease.renew();
    pass(Duration.ofSeconds(1));
    return lease;
  }

  private void expire(Truce looking) {
    pass(TERM);
    assertThat(looking.lock("n").status().state()).isEqualTo(LockStatus.State.FREE);
    assertThat(looking.history().entries().getLast().kind()).isEqualTo(History.Kind.EXPIRED);
  }

  private void takeOver(Truce other) {
    pass(TERM);
    assertThat(other.lock("n").tryAcquire()).isPresent();
  }

  private Lease restarted(Lease lease) {
    engine = new Restarted(MemoryEngine.create(ticker), memory);
    return open(engine, "owner").lease(lease.handle());
  }

  private Lease elsewhere(Lease lease) {
    engine = MemoryEngine.create(ticker);
    return open(engine, "owner").lease(lease.handle());
  }

  private String answer(String operation, Lease lease, Truce other) {
    return switch (operation) {
      case "valid" -> yes(lease.isValid());
      case "renew" -> answer(lease::renew);
      case "release" ->
          answer(() -> {
            lease.release();
            return true;
          });
      case "term" -> answer(lease::term);
      case "a guarded write" -> yes(taken(lease.fence()));
      case "another's try" -> yes(tried(other));
      case "force" -> yes(!other.lock("n").revoke("force").isEmpty());
      default -> throw new AssertionError(operation);
    };
  }

  private static boolean tried(Truce other) {
    Optional<Grant> grant = other.lock("n").tryAcquire();
    grant.ifPresent(Grant::close);
    return grant.isPresent();
  }

  private static String yes(boolean is) {
    return is ? "yes" : "no";
  }

  private static String answer(Callable<?> asked) {
    try {
      Object _ = asked.call();
      return "done";
    } catch (LockLostException lost) {
      return "lost";
    } catch (IllegalStateException refused) {
      assertThat(refused).hasMessageContaining("as often as it may be");
      return "not more";
    } catch (Exception other) {
      throw new AssertionError(other);
    }
  }

  /// Whether a journal takes a write that carries this fence now.
  private boolean taken(Fence fence) {
    Unit unit = new Unit(UUID.randomUUID(), fence, _ -> Optional.of(new byte[] {9}));
    return engine.journal("root").append(List.of(unit)).getFirst() instanceof Result.Appended;
  }
}
