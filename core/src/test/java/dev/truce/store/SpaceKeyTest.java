package dev.truce.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

class SpaceKeyTest {
  @Test
  void behindAllWith_isTheFirstThatDoesNotBeginSo() {
    assertThat(SpaceKey.behindAllWith(new byte[] {1, 2})).containsExactly(1, 3);
    assertThat(SpaceKey.behindAllWith(new byte[] {1, -1, -1})).containsExactly(2);
    assertThat(SpaceKey.behindAllWith(new byte[] {127})).containsExactly(-128);
    assertThat(SpaceKey.behindAllWith(new byte[] {-1, -1})).isNull();
    assertThat(SpaceKey.behindAllWith(new byte[0])).isNull();
  }

  @Test
  void keysOfStores_lieBesideEachOther() {
    byte[] end = SpaceKey.end(7);
    assertThat(Arrays.compareUnsigned(SpaceKey.of(7, "\uDBFF\uDFFF"), end)).isNegative();
    assertThat(SpaceKey.of(8, new byte[0])).isEqualTo(end);
    assertThat(SpaceKey.store(SpaceKey.of(7L << 40, "k"))).isEqualTo(7L << 40);
    assertThat(SpaceKey.key(SpaceKey.of(7, "é"))).isEqualTo("é");
  }

  @Test
  void rightBehind_hasNothingBetween() {
    byte[] key = SpaceKey.of(1, "a");
    assertThat(SpaceKey.rightBehind(key)).isEqualTo(SpaceKey.of(1, "a\0"));
  }

  @Test
  void utf8_halfACharacter_isRefused() {
    assertThatIllegalArgumentException().isThrownBy(() -> SpaceKey.utf8("a\uD83D"));
  }
}
