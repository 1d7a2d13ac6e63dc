package dev.truce.index;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.truce.EngineException;
import dev.truce.Truce;
import dev.truce.store.Codec;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The verbs that need no writers.
class IndexTest {
  /// As the first writers of the format left it, to the byte.
  private static final String ORIGINAL =
      "{\"artifacts\":["
          + "{\"checksumSha256\":\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\","
          + "\"createdAt\":\"2025-08-23T17:00:00Z\",\"framework\":\"fwk\",\"id\":\"Action_Plan\","
          + "\"kind\":\"action_plan\",\"labels\":[\"a\",\"\\u00e9\\ud83d\\ude00\"],"
          + "\"ratio\":1.50,\"status\":\"review\",\"team\":{\"a\":null,\"b\":[1,true]},"
          + "\"updatedAt\":\"2025-08-24T05:16:39Z\",\"version\":\"1.0.0\"},"
          + "{\"createdAt\":\"2025-08-23T17:00:00Z\",\"framework\":\"fwk\",\"id\":\"Action_Plan\","
          + "\"kind\":\"action_plan\",\"status\":\"draft\","
          + "\"updatedAt\":\"2025-08-24T05:16:39Z\",\"version\":\"1.1.0-rc.1\"}"
          + "],\"version\":1}";

  @TempDir private Path temp;

  @Test
  void imported_isExportedAgain_toTheByte() throws IOException {
    put("index.json", ORIGINAL);

    assertThat(call("import", "index.json").out()).startsWith("2 entries written, 0 as they were");
    assertThat(call("import", "index.json").out()).startsWith("0 entries written, 2 as they were");

    assertThat(call("export")).isEqualTo(new Called(0, ORIGINAL, ""));
    assertThat(call("export", "again.json").status()).isZero();
    assertThat(temp.resolve("again.json")).hasContent(ORIGINAL);
  }

  @Test
  void aFileThatCannotBeUsed_isNamedAsItWasGiven() throws IOException {
    assertThatThrownBy(() -> call("import", "none"))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessage("none cannot be read")
        .hasCauseInstanceOf(NoSuchFileException.class);
    assertThatThrownBy(() -> call("export", "none/x.json"))
        .hasMessage("none/x.json cannot be written")
        .hasCauseInstanceOf(NotDirectoryException.class);
    Files.createDirectories(temp.resolve("folder/full"));
    assertThatThrownBy(() -> call("export", "folder")).hasMessage("folder cannot be written");
    try (Stream<Path> files = Files.list(temp)) {
      assertThat(files.map(file -> file.getFileName().toString()))
          .containsExactlyInAnyOrder(".truce", "folder");
    }
  }

  @Test
  void anEntryThatBreaksTheSchema_namesTheFieldAndKeepsAllOut() throws IOException {
    put("index.json", ORIGINAL.replace("\"draft\"", "\"drafty\""));

    assertThatThrownBy(() -> call("import", "index.json"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "entry 2: status: \"drafty\" is none of draft, review, approved, deprecated;"
                + " nothing was written");
    assertThat(call("ls").out()).isEmpty();
  }

  @Test
  void anEntryThatIsThereTwice_orADocumentOfAnotherKind_isRefused() throws IOException {
    put("twice.json", ORIGINAL.replace("1.1.0-rc.1", "1.0.0"));
    put("later.json", ORIGINAL.replace("\"version\":1}", "\"version\":2}"));
    put("torn.json", ORIGINAL.substring(0, 300));
    put("bare.json", "{\"id\":\"batch_artifact_3\",\"status\":\"draft\",\"version\":\"1.0.0\"}");

    assertThatThrownBy(() -> call("import", "twice.json"))
        .hasMessageContaining("entry 2: id: Action_Plan 1.0.0 is there twice");
    assertThatThrownBy(() -> call("import", "later.json")).hasMessageContaining("not of version 1");
    assertThatThrownBy(() -> call("import", "torn.json")).hasMessageContaining("is no JSON");
    put("open.json", "{\n\"version\":1");
    assertThatThrownBy(() -> call("import", "open.json"))
        .hasMessageEndingWith(
            "is no JSON: Unexpected end-of-input: expected close marker for Object, line 2, column 12");
    assertThatThrownBy(() -> call("import", "bare.json"))
        .hasMessageContaining("no list of artifacts");
    assertThat(call("ls").out()).isEmpty();
  }

  @Test
  void otherContentUnderTheSameVersion_is76_andNothingIsWritten() throws IOException {
    put("index.json", ORIGINAL);
    put("other.json", ORIGINAL.replace("ba7816bf", "00000000").replace("rc.1", "rc.2"));
    call("import", "index.json");

    Called refused = call("import", "other.json");
    assertThat(refused.status()).isEqualTo(76);
    assertThat(refused.err())
        .isEqualTo(
            "truce: Action_Plan 1.0.0 is in the index with other content: give it a new version,"
                + " or --replace; nothing was written\n");
    assertThat(call("export").out()).isEqualTo(ORIGINAL);
    assertThat(call("import", "--json", "other.json").out())
        .startsWith("{\"schema\":\"truce.error/1\",\"kind\":\"conflict\",\"status\":76,");

    assertThat(call("import", "--replace", "other.json").status()).isZero();
    assertThat(call("ls").out().lines()).hasSize(3);
  }

  @Test
  void show_isTheHighestVersionUnlessOneIsNamed() throws IOException {
    put("index.json", ORIGINAL);
    call("import", "index.json");

    assertThat(call("show", "Action_Plan").out()).contains("version: 1.1.0-rc.1\n");
    assertThat(call("show", "Action_Plan/1.0.0").out()).contains("version: 1.0.0\n");
    assertThat(call("show", "--json", "Action_Plan/1.0.0").out())
        .startsWith("{\"schema\":\"truce.index/1\",\"revision\":1,\"artifacts\":[{\"id\":");
    assertThat(call("show", "Action"))
        .isEqualTo(new Called(1, "", "truce: no such entry: Action\n"));
    assertThat(call("show", "Action_Plan/3.0.0").status()).isEqualTo(1);
  }

  @Test
  void rm_removesOneVersionOrAll_andSaysSoWhenThereIsNone() throws IOException {
    put("index.json", ORIGINAL);
    call("import", "index.json");

    assertThat(call("rm", "Action_Plan/1.0.0").out()).isEqualTo("removed Action_Plan/1.0.0\n");
    assertThat(call("rm", "Action_Plan/1.0.0").status()).isEqualTo(1);
    assertThat(call("rm", "Action_Plan").out()).isEqualTo("removed Action_Plan/1.1.0-rc.1\n");
    assertThat(call("ls", "--json").out()).endsWith("\"artifacts\":[]}\n");
  }

  @Test
  void verify_namesWhatDiffers() throws IOException {
    for (String name : new String[] {"same", "changed", "missing"}) {
      put("files/" + name, name);
    }
    record(Tree.of(temp.resolve(".truce"), ""), "files/same", "files/changed", "files/missing");
    assertThat(call("verify", "files"))
        .isEqualTo(
            new Called(0, "3 entries, 3 with a file: all as the index says, revision 1\n", ""));

    put("files/changed", "chanced");
    put("files/extra", "");
    Files.delete(temp.resolve("files/missing"));

    assertThat(call("verify", "files"))
        .isEqualTo(
            new Called(
                1,
                """
                missing files/missing
                changed files/changed
                extra   files/extra
                3 entries, 3 with a file: 3 differ, revision 1
                """,
                ""));
    assertThat(call("verify", "--json").out())
        .contains("\"clean\":false")
        .contains("\"missing\":[\"files/missing\"],\"changed\":[\"files/changed\"],\"extra\":[]");
  }

  @Test
  void backfillDryRun_saysWhatItWouldMakeAndMakesNothing() throws IOException {
    put("files/one", "1");
    put("files/two", "2");
    put("files/two" + Tree.SIDECAR, "{}");

    assertThat(call("backfill", "--dry-run", "files").out())
        .isEqualTo(
            "would make files/one.sidecar.json\n1 sidecars for 2 files; nothing was written\n");
    assertThat(temp.resolve("files/one" + Tree.SIDECAR)).doesNotExist();
    assertThat(call("ls").out()).isEmpty();
  }

  @Test
  void aValueThatIsNoEntry_isNamedAsDamage() {
    call("ls");
    try (Truce truce = Truce.open(temp.resolve(".truce"))) {
      truce.store("index", Codec.utf8()).put("a/1.0.0", "{\"id\":\"a\"}");
    }

    assertThatThrownBy(() -> call("verify"))
        .isInstanceOfSatisfying(
            EngineException.class,
            damage -> assertThat(damage.kind()).isEqualTo(EngineException.Kind.DAMAGED))
        .hasMessageContaining("index: the value of a/1.0.0 at revision 1");
  }

  private void record(Tree tree, String... paths) throws IOException {
    try (Truce truce = Truce.open(temp.resolve(".truce"))) {
      Catalog catalog = new Catalog(truce, tree);
      List<Artifact> artifacts = new ArrayList<>();
      for (String path : paths) {
        artifacts.add(tree.read(path).artifact());
      }
      catalog.put(artifacts, false);
    }
  }

  private Called call(String... words) {
    return Called.in(temp, words);
  }

  private void put(String path, String content) throws IOException {
    Path file = temp.resolve(path);
    Files.createDirectories(file.getParent());
    Files.writeString(file, content);
  }
}
