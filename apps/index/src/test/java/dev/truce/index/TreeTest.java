package dev.truce.index;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.truce.index.Tree.Found;
import dev.truce.index.Tree.Reading;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TreeTest {
  @TempDir private Path temp;
  private Tree tree;

  @BeforeEach
  void setUp() throws IOException {
    Files.createDirectory(temp.resolve(".truce"));
    tree = Tree.of(temp.resolve(".truce"), "fwk");
  }

  @Test
  void found_areFilesButNotTheRootNorSidecarsNorLinks() throws IOException {
    put("a/one.txt", "1");
    put("a/one.txt" + Tree.SIDECAR, "{}");
    put(".truce/members", "");
    put("two", "2");
    Files.createSymbolicLink(temp.resolve("a/link"), temp.resolve("two"));

    Found found = tree.find(List.of(temp, temp.resolve("a")));

    assertThat(found.files()).containsExactly("a/one.txt", "two");
    assertThat(found.unread()).isEmpty();
    assertThatThrownBy(() -> tree.find(List.of(temp.resolve("none"))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("none");
  }

  @Test
  void aFileOutsideOfTheFolderOfTheRoot_isKnownByItsWholePath(@TempDir Path elsewhere)
      throws IOException {
    Path file = Files.writeString(elsewhere.resolve("far"), "x");

    assertThat(tree.find(List.of(elsewhere)).files()).containsExactly(file.toString());
    assertThat(tree.read(file.toString()).artifact().size()).isEqualTo(1);
  }

  @Test
  void aFileWithoutSidecar_isNamedByItsPath() throws IOException {
    put("lib/my_lib-1.0.jar", "abc");

    Artifact artifact = tree.read("lib/my_lib-1.0.jar").artifact();

    assertThat(artifact.key()).isEqualTo("lib__my_5flib-1.0.jar/1.0.0");
    assertThat(artifact.kind()).isEqualTo("jar");
    assertThat(artifact.framework()).isEqualTo("fwk");
    assertThat(artifact.size()).isEqualTo(3);
    assertThat(artifact.checksumSha256())
        .isEqualTo("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  }

  @Test
  void aSidecar_saysWhatTheEntryIs_andItsFileWhatItsContentIs() throws IOException {
    put("plan.md", "abc");
    put("plan.md" + Tree.SIDECAR, sidecar(null));

    Artifact artifact = tree.read("plan.md").artifact();

    assertThat(artifact.key()).isEqualTo("Plan/2.1.0");
    assertThat(artifact.checksumSha256()).startsWith("ba7816bf");
    assertThat(artifact.path()).isEqualTo("plan.md");
  }

  @Test
  void aFileOfOtherContentThanItsSidecarSays_isAnEditedOne_untilThatIsRenewed() throws IOException {
    String said = sidecar(Artifacts.sum('0'));
    put("plan.md", "abc");
    put("plan.md" + Tree.SIDECAR, said);

    Reading edited = tree.read("plan.md");
    assertThat(edited.edited()).isTrue();
    assertThat(edited.artifact().checksumSha256()).startsWith("ba7816bf");

    tree.renew(edited.artifact());
    assertThat(tree.read("plan.md")).isEqualTo(new Reading(edited.artifact(), false));
    String renewed = Files.readString(temp.resolve("plan.md" + Tree.SIDECAR));
    assertThat(renewed.replaceAll("\\s", ""))
        .isEqualTo(said.replace(Artifacts.sum('0'), edited.artifact().checksumSha256()));
  }

  @Test
  void aSidecarThatTellsOfAnotherVersionByNow_isNotRenewed() throws IOException {
    put("plan.md", "abc");
    put("plan.md" + Tree.SIDECAR, sidecar(Artifacts.sum('0')));
    Artifact artifact = tree.read("plan.md").artifact();
    String next = sidecar(Artifacts.sum('0')).replace("2.1.0", "2.2.0");
    put("plan.md" + Tree.SIDECAR, next);

    tree.renew(artifact);

    assertThat(temp.resolve("plan.md" + Tree.SIDECAR)).hasContent(next);
  }

  @Test
  void aSidecarThatBreaksTheSchema_namesItselfAndTheField() throws IOException {
    put("plan.md", "abc");
    put("plan.md" + Tree.SIDECAR, sidecar(null).replace("draft", "drafty"));

    assertThatThrownBy(() -> tree.read("plan.md"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("plan.md.sidecar.json: status: \"drafty\" is none of draft");
    put("plan.md" + Tree.SIDECAR, "{\"id\":");
    assertThatThrownBy(() -> tree.read("plan.md"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("is no JSON");
  }

  @Test
  void whyAFileCannotBeRead_isSaidInWords() {
    assertThat(Tree.reason(new AccessDeniedException("a"))).isEqualTo("permission denied");
    assertThat(Tree.reason(new NoSuchFileException("a"))).isEqualTo("it is gone");
    assertThat(Tree.reason(new FileSystemException("a", null, "Input/output error")))
        .isEqualTo("Input/output error");
  }

  @Test
  void aFileThatIsGone_isNotReadAsAnEmptyOne() {
    assertThatThrownBy(() -> tree.read("none")).isInstanceOf(NoSuchFileException.class);
  }

  @Test
  void ids_canBeReadBackToTheirPaths_soNoTwoPathsHaveTheSame() {
    Random random = new Random(11);
    String letters = "a0_/.- ü\u0000\uD83D\uDE00Z%5f";
    for (int i = 0; i < 5_000; i++) {
      StringBuilder path = new StringBuilder();
      for (int length = 1 + random.nextInt(12); length > 0; length--) {
        int at =
            letters.offsetByCodePoints(
                0, random.nextInt(letters.codePointCount(0, letters.length())));
        path.appendCodePoint(letters.codePointAt(at));
      }
      String id = Tree.id(path.toString());
      assertThat(id).matches(Schema.ID);
      assertThat(pathOf(id)).isEqualTo(path.toString());
    }
  }

  private static String pathOf(String id) {
    ByteArrayOutputStream path = new ByteArrayOutputStream();
    for (int i = 0; i < id.length(); i++) {
      if (id.charAt(i) != '_') {
        path.write(id.charAt(i));
      } else if (id.charAt(i + 1) == '_') {
        path.write('/');
        i++;
      } else {
        path.write(Integer.parseInt(id.substring(i + 1, i + 3), 16));
        i += 2;
      }
    }
    return path.toString(StandardCharsets.UTF_8);
  }

  private static String sidecar(String sum) {
    return "{\"id\":\"Plan\",\"version\":\"2.1.0\",\"status\":\"draft\",\"framework\":\"f\","
        + (sum == null ? "" : "\"checksumSha256\":\"" + sum + "\",")
        + "\"kind\":\"plan\",\"createdAt\":\"2025-08-23T17:00:00Z\","
        + "\"updatedAt\":\"2025-08-23T17:00:00Z\"}";
  }

  private void put(String path, String content) throws IOException {
    Path file = temp.resolve(path);
    Files.createDirectories(file.getParent());
    Files.writeString(file, content);
  }
}
