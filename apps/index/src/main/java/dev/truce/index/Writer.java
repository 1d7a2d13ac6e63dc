package dev.truce.index;

import dev.truce.EngineException;
import dev.truce.FencedException;
import dev.truce.Truce;
import dev.truce.file.FileEngine;
import dev.truce.index.Catalog.Put;
import dev.truce.index.Tree.Reading;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/// One of the processes of `truce index add`: reads a [Batch] from each line of its standard input,
/// hashes the files, commits their entries, and answers with a [Batch.Done] in a line.
///
/// It ends when its standard input does, so none outlives the process that started it by more than
/// a batch.
final class Writer {
  /// What it says before it takes the first one.
  static final String READY = "ready";

  private final Catalog catalog;
  private final Tree tree;

  private Writer(Catalog catalog, Tree tree) {
    this.catalog = catalog;
    this.tree = tree;
  }

  /// Arguments: the root, the framework of files that do not name theirs, whose the commits are,
  /// and the tokens that they rest on.
  public static void main(String[] args) throws IOException {
    PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    Path root = Path.of(args[0]);
    Tree tree = Tree.of(root, args[1]);
    List<String> tokens = List.of(args).subList(3, args.length);
    try (Truce truce = Index.open(FileEngine.existing(root), args[2])) {
      Writer writer = new Writer(new Catalog(truce, tree, tokens), tree);
      say(out, READY);
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        Batch batch = Json.MAPPER.readValue(line, Batch.class);
        say(out, Json.MAPPER.writeValueAsString(writer.write(batch)));
      }
    } catch (EngineException failure) {
      say(out, Json.MAPPER.writeValueAsString(failed(failure)));
    }
  }

  private static void say(PrintStream out, String line) {
    out.println(line);
    out.flush();
  }

  private Batch.Done write(Batch batch) {
    List<Artifact> artifacts = new ArrayList<>();
    Set<String> edited = new HashSet<>();
    List<String> refused = new ArrayList<>();
    Map<String, String> invalid = new TreeMap<>();
    Map<String, String> unread = new TreeMap<>();
    for (String path : batch.files()) {
      try {
        Reading reading = tree.read(path);
        artifacts.add(reading.artifact());
        if (reading.edited()) {
          edited.add(path);
        }
      } catch (IOException failure) {
        unread.put(path, Tree.reason(failure));
      } catch (IllegalArgumentException noEntry) {
        invalid.put(path, String.valueOf(noEntry.getMessage()));
      }
    }
    try {
      Put put = catalog.put(artifacts, edited, batch.replace());
      refused.addAll(put.refused());
      renewSidecars(put.edited(), invalid, unread);
      return new Batch.Done(put.written(), put.same(), refused, invalid, unread, null, null);
    } catch (FencedException ended) {
      return Batch.Done.failed(Batch.Done.FENCED, String.valueOf(ended.getMessage()));
    } catch (EngineException failure) {
      return failed(failure);
    }
  }

  /// Has the sidecars say what the files are that are in the index now. One that is not reached
  /// says so the next time, too.
  private void renewSidecars(
      List<Artifact> edited, Map<String, String> invalid, Map<String, String> unread) {
    for (Artifact artifact : edited) {
      String path = String.valueOf(artifact.path());
      try {
        tree.renew(artifact);
      } catch (IOException failure) {
        unread.put(path + Tree.SIDECAR, Tree.reason(failure));
      } catch (IllegalArgumentException noEntry) {
        invalid.put(path, String.valueOf(noEntry.getMessage()));
      }
    }
  }

  private static Batch.Done failed(EngineException failure) {
    return Batch.Done.failed(failure.kind().name(), String.valueOf(failure.getMessage()));
  }
}
