package dev.truce.index;

import static dev.truce.index.Artifacts.sum;
import static org.assertj.core.api.Assertions.assertThat;

import dev.truce.index.Upsert.Refuse;
import dev.truce.index.Upsert.Same;
import dev.truce.index.Upsert.Write;
import java.time.Instant;
import org.junit.jupiter.api.Test;

class UpsertTest {
  private static final Instant NOW = Instant.parse("2026-01-05T10:20:00Z");
  private static final Artifact THERE = Artifacts.of("a", "1.0.0", sum('a'));
  private static final Artifact MINE = Artifacts.of("a", "1.0.0", sum('a'));

  @Test
  void whereNoneIs_itIsWrittenAsItIs() {
    assertThat(Upsert.of(null, MINE, false, false, NOW)).isEqualTo(new Write(MINE));
  }

  @Test
  void theSameAtAnotherTime_isNotWritten() {
    assertThat(Upsert.of(MINE.at(NOW, NOW), MINE, false, true, NOW)).isEqualTo(new Same());
  }

  @Test
  void anotherStatusOfTheSameContent_isWrittenNowAndWasMadeThen() {
    Artifact approved =
        new Artifact(
            "a",
            "1.0.0",
            Artifact.Status.APPROVED,
            "fwk",
            "plan",
            MINE.labels(),
            sum('a'),
            NOW,
            NOW,
            null,
            null,
            MINE.more());

    assertThat(Upsert.of(THERE, approved, false, false, NOW))
        .isEqualTo(new Write(approved.at(Artifacts.THEN, NOW)));
  }

  @Test
  void otherContentOfTheSameVersion_isRefusedUnlessItReplaces() {
    Artifact other = Artifacts.of("a", "1.0.0", sum('b'));

    assertThat(Upsert.of(THERE, other, false, false, NOW)).isInstanceOf(Refuse.class);
    assertThat(Upsert.of(THERE, Artifacts.of("a", "1.0.0", null), false, false, NOW))
        .isInstanceOf(Refuse.class);
    assertThat(Upsert.of(THERE, other, true, false, NOW))
        .isEqualTo(new Write(other.at(Artifacts.THEN, NOW)));
  }

  @Test
  void anEditedFile_isANewVersionAboveThoseInTheIndex_orOneThatWasTakenBefore() {
    Artifact next = Artifacts.withPath(Artifacts.of("a", "1.10.0", sum('b')), "here");
    Version nine = Version.of("1.9.0");

    assertThat(Upsert.ofEdited(null, nine, next, false, NOW)).isEqualTo(new Write(next));
    assertThat(Upsert.ofEdited(next, Version.of("2.0.0"), next, true, NOW)).isEqualTo(new Same());
    assertThat(Upsert.ofEdited(null, Version.of("1.10.0-rc.1"), next, false, NOW))
        .isEqualTo(new Write(next));
  }

  @Test
  void anEditedFile_otherwise_isRefusedWithWhatToDo() {
    Artifact mine = Artifacts.withPath(Artifacts.of("a", "1.0.0", sum('b')), "here");
    Artifact there = Artifacts.withPath(THERE, "here");

    assertThat(Upsert.ofEdited(null, null, mine, false, NOW))
        .isEqualTo(
            new Refuse(
                "here: a 1.0.0 has other content than its sidecar says: take it as it is with"
                    + " add --replace"));
    assertThat(Upsert.ofEdited(there, Version.of("1.2.0-rc.1+7"), mine, true, NOW))
        .isEqualTo(
            new Refuse(
                "here: a 1.0.0 was edited since its sidecar was written: put a version above"
                    + " 1.2.0-rc.1 into here.sidecar.json, or take it as it is with add"
                    + " --replace"));
    assertThat(Upsert.ofEdited(null, Version.of("1.0.0+7"), mine, false, NOW))
        .isInstanceOf(Refuse.class);
  }

  @Test
  void anotherFileThatIsThere_isNeverPutAside() {
    Artifact there = Artifacts.withPath(MINE, "there");
    Artifact mine = Artifacts.withPath(MINE, "here");

    assertThat(Upsert.of(there, mine, true, true, NOW)).isInstanceOf(Refuse.class);
    assertThat(Upsert.of(there, mine, false, false, NOW)).isInstanceOf(Write.class);
  }
}
