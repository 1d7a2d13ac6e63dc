package dev.truce.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.constantpool.MemberRefEntry;
import java.lang.classfile.constantpool.PoolEntry;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/// Java in the documents is what is compiled and run here: each block stands below `<!-- sample:
/// Name -->` and is, but for indentation, what the marks `// sample: Name` and `// end` have
/// between them in a source of this module. The tests call the method that the sample stands in,
/// which has its name. A path to open is called `directory` there.
class DocumentsTest {
  private static final Path SOURCES = Path.of("src/main/java/dev/truce/examples");

  private static final Pattern MARKED =
      Pattern.compile("( *)// sample: (\\w+)\n(.*?)\n *// end\n", Pattern.DOTALL);

  private static final Pattern BLOCK =
      Pattern.compile(
          "(?:<!-- sample: (\\w+) -->\n)?^[ >]*```java[^\n]*\n(.*?)\n[ >]*```",
          Pattern.DOTALL | Pattern.MULTILINE);

  private static final Pattern PLACE = Pattern.compile("Path\\.of\\(\"[^\"]*\"\\)");

  @Test
  void javaInTheDocuments_isWhatIsCompiledHere() throws IOException {
    Map<String, String> samples = samples();
    List<String> loose = new ArrayList<>();
    for (Path document : documents()) {
      loose(Files.readString(document), samples)
          .forEach(block -> loose.add(House.ROOT.relativize(document) + ": " + block));
    }
    assertThat(loose).isEmpty();
  }

  @Test
  void everySample_isShown() throws IOException {
    Set<String> samples = new HashSet<>(samples().keySet());
    assertThat(samples).isNotEmpty();
    for (Path document : documents()) {
      BLOCK
          .matcher(Files.readString(document))
          .results()
          .forEach(block -> samples.remove(block.group(1)));
    }
    assertThat(samples).isEmpty();
  }

  @Test
  void everySample_isRunByATest() throws IOException {
    Set<String> samples = new TreeSet<>(String.CASE_INSENSITIVE_ORDER);
    samples.addAll(samples().keySet());
    for (Path test : files(Path.of("target/test-classes/dev/truce/examples"), ".class")) {
      for (PoolEntry entry : ClassFile.of().parse(test).constantPool()) {
        if (entry instanceof MemberRefEntry member
            && member.owner().asInternalName().endsWith("Samples")) {
          samples.remove(member.name().stringValue());
        }
      }
    }
    assertThat(samples).isEmpty();
  }

  @Test
  void blockThatIsTiedToNothing_isFound() {
    Map<String, String> samples =
        Map.of("Put", "try (Truce truce = open(directory)) {\n  put();\n}");
    String tied = "Text.\n\n<!-- sample: Put -->\n```java\n%s\n```\n";
    String put = "try (Truce truce = open(Path.of(\"/srv/app/.truce\"))) {\n  put();\n}";

    assertThat(loose(tied.formatted(put), samples)).isEmpty();
    assertThat(loose(tied.formatted(put.replace("put()", "putt()")), samples)).hasSize(1);
    assertThat(loose(tied.formatted(put).replace("Put", "Get"), samples)).hasSize(1);
    assertThat(loose("```java\n" + put + "\n```\n" + tied.formatted(put), samples)).hasSize(1);
    assertThat(loose("* a list\n\n  ```java title\n  put();\n  ```\n", samples)).hasSize(1);
    assertThat(loose("```sh\ntruce ls\n```\n", samples)).isEmpty();
  }

  /// The blocks of Java that are no sample, or another one than they say.
  private static List<String> loose(String document, Map<String, String> samples) {
    return BLOCK
        .matcher(document)
        .results()
        .filter(block -> {
          String shown = PLACE.matcher(block.group(2)).replaceAll("directory");
          return block.group(1) == null || !shown.equals(samples.get(block.group(1)));
        })
        .map(block -> block.group())
        .toList();
  }

  /// What stands between the marks, without what it is indented by, by name.
  private static Map<String, String> samples() throws IOException {
    Map<String, String> samples = new LinkedHashMap<>();
    for (Path source : files(SOURCES, ".java")) {
      Matcher marked = MARKED.matcher(Files.readString(source));
      while (marked.find()) {
        String sample = marked.group(3).replaceAll("(?m)^" + marked.group(1), "");
        assertThat(samples.put(marked.group(2), sample)).as(marked.group(2)).isNull();
      }
    }
    return samples;
  }

  private static List<Path> documents() throws IOException {
    List<Path> documents = new ArrayList<>(files(House.ROOT, ".md"));
    documents.addAll(files(House.ROOT.resolve("docs"), ".md"));
    return documents;
  }

  private static List<Path> files(Path folder, String ending) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .filter(file -> file.toString().endsWith(ending))
          .sorted()
          .collect(Collectors.toList());
    }
  }
}
