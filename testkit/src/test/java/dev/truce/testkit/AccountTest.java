package dev.truce.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

class AccountTest {
  private final Account<String> account = new Account<>();

  private void done(String entry) {
    account.attempt(entry);
    account.acknowledge(entry);
  }

  @Test
  void whatIsThereInOrder_agrees() {
    done("one");
    account.attempt("two");
    account.attempt("three");
    account.acknowledge("three");
    assertThat(account.refute(List.of("one", "three"))).isEmpty();
    assertThat(account.refute(List.of("one", "two", "three"))).isEmpty();
    assertThat(account.refute(List.of("one", "three", "two"))).isEmpty();
    assertThat(account.attempted()).containsExactly("one", "two", "three");
    assertThat(account.acknowledged()).containsExactly("one", "three");
  }

  @Test
  void whatIsLost_isNamed() {
    done("one");
    assertThat(account.refute(List.of())).contains("one was acknowledged and is lost; there is []");
  }

  @Test
  void whatNobodyTried_isNamed() {
    assertThat(account.refute(List.of("x")).orElseThrow()).contains("nobody ever tried x");
  }

  @Test
  void whatIsThereTwice_isNamed() {
    done("one");
    assertThat(account.refute(List.of("one", "one")).orElseThrow()).contains("one is there twice");
  }

  @Test
  void whatWasDoneBefore_mustStandBefore() {
    account.attempt("early");
    done("one");
    done("two");
    assertThat(account.refute(List.of("one", "early", "two"))).isEmpty();
    assertThat(account.refute(List.of("one", "two", "early"))).isEmpty();
    assertThat(account.refute(List.of("two", "one")).orElseThrow())
        .contains("one stands behind what was tried after it was done");
  }

  @Test
  void whatWasShownOnce_isNeverLost() {
    account.attempt("one");
    account.check(List.of("one"));
    assertThatThrownBy(() -> account.check(List.of())).hasMessageContaining("one was acknowledged");
  }

  @Test
  void whatWasMissingOnceAllAreDead_neverComesBack() {
    account.attempt("one");
    account.settle(List.of());
    assertThat(account.refute(List.of())).isEmpty();
    assertThat(account.refute(List.of("one")).orElseThrow()).contains("one was gone and is back");
  }

  @Test
  void aFork_goesOnByItself() {
    done("one");
    Account<String> fork = account.fork();
    assertThat(fork.hash()).isEqualTo(account.hash());
    fork.attempt("two");
    assertThat(account.attempted()).containsExactly("one");
    assertThat(fork.hash()).isNotEqualTo(account.hash());
  }
}
