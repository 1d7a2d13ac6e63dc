package dev.truce.file;

import dev.truce.EngineException;
import dev.truce.EngineException.Kind;
import dev.truce.file.FileEngine.Examination;
import dev.truce.file.FileEngine.Participant;
import dev.truce.file.FileEngine.Verification;
import dev.truce.spi.Members;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// Looks at roots, and makes copies roots of their own.
final class Doctor {
  private Doctor() {}

  static Examination examine(Path path, Host host) {
    Directory directory = new Directory(path);
    try {
      Root root = Root.open(path, host, false);
      try {
        return examine(root);
      } finally {
        root.release();
      }
    } catch (EngineException e) {
      if (e.kind() == Kind.CONFIGURATION) {
        throw e;
      }
      Ceiling.Reading ceiling = Ceiling.salvage(directory);
      return new Examination(
          path,
          directory.fileSystem(),
          ceiling == null ? "" : ceiling.root().toString(),
          Page.FORMAT,
          ceiling == null ? 0 : ceiling.value(),
          0,
          0,
          bytes(directory),
          List.of(),
          List.of(String.valueOf(e.getMessage())));
    }
  }

  private static Examination examine(Root root) {
    Directory directory = root.directory();
    return new Examination(
        directory.path(),
        directory.fileSystem(),
        root.identity().root().toString(),
        Page.FORMAT,
        Ceiling.read(directory).value(),
        root.tokens().last(),
        root.trie().keys("").size(),
        bytes(directory),
        members(root),
        findings(root));
  }

  private static List<String> findings(Root root) {
    List<String> findings = new ArrayList<>(root.notes());
    for (int slot = 0; slot < Slots.COUNT; slot++) {
      if (root.slots().isDamaged(slot)) {
        findings.add(
            root.directory().members()
                + ": slot "
                + slot
                + " fails its check, and its member, "
                + (root.locks().slotHeld(slot) ? "a living process" : "which is dead")
                + ", is not known; stop every process that uses the directory, the next to open it"
                + " writes the file anew");
      }
    }
    return List.copyOf(findings);
  }

  private static List<Participant> members(Root root) {
    FileMembers members = new FileMembers(root);
    List<Participant> participants = new ArrayList<>();
    for (long member : members.list()) {
      boolean alive = !(members.standing(member) instanceof Members.Standing.Dead);
      members
          .description(member)
          .ifPresent(description ->
              participants.add(
                  new Participant(
                      member, alive, root.slots().pid(Slots.slot(member)), description)));
    }
    return participants;
  }

  private static long bytes(Directory directory) {
    long bytes = 0;
    for (Path file : files(directory)) {
      bytes += directory.attributes(file).size();
    }
    return bytes;
  }

  private static List<Path> files(Directory directory) {
    List<Path> files = new ArrayList<>();
    files.add(directory.id());
    files.add(directory.ceiling());
    files.add(directory.members());
    files.add(directory.cells(0));
    files.removeIf(file -> !directory.has(file));
    files.addAll(directory.growthFiles());
    return files;
  }

  static Verification verify(Path path) {
    Directory directory = new Directory(path);
    if (files(directory).isEmpty() && !directory.hasJournals()) {
      throw new EngineException(Kind.CONFIGURATION, path + " is no Truce root");
    }
    List<String> findings = new ArrayList<>();
    sound(() -> Identity.read(directory), findings);
    sound(() -> Ceiling.read(directory), findings);
    List<FileEngine.Audit> audits =
        JournalFiles.in(directory.disk(), path).stream()
            .map(files -> new Auditor(files).audit())
            .toList();
    return new Verification(path, audits, List.copyOf(findings));
  }

  private static void sound(Supplier<?> reading, List<String> findings) {
    try {
      Object _ = reading.get();
    } catch (EngineException damaged) {
      findings.add(String.valueOf(damaged.getMessage()));
    }
  }

  /// First the ceiling, then `id`: between the two they disagree, which every opener refuses.
  static long adopt(Path path, Host host) {
    Directory directory = new Directory(path);
    directory.refuseUnsound();
    if (!directory.has(directory.path()) || files(directory).isEmpty()) {
      throw new EngineException(Kind.CONFIGURATION, path + " is no Truce root");
    }
    return Root.alone(
        directory,
        () -> {
          long ceiling = highest(directory) + Ceiling.ADOPTION;
          UUID root = UUID.randomUUID();
          Ceiling.write(directory, root, ceiling);
          Identity.write(directory, root, host);
          directory.delete(directory.members());
          directory.delete(directory.cells(0));
          directory.growthFiles().forEach(directory::delete);
          List<String> _ = new Repair(directory, host).run(); // nobody need hear what is meant
          return ceiling;
        });
  }

  static long highest(Directory directory) {
    Ceiling.Reading ceiling = Ceiling.salvage(directory);
    long reserved = reserved(directory);
    if (ceiling == null && reserved == 0) {
      throw Faults.damaged(
          directory.ceiling(),
          "neither copy can be read, nor what the cells say of it",
          "restore it from a backup, or begin anew in another directory");
    }
    return Math.max(ceiling == null ? 0 : ceiling.value(), reserved);
  }

  /// What the cells say was reserved, 0 if they cannot be believed.
  private static long reserved(Directory directory) {
    byte @Nullable [] head = directory.head(directory.cells(0), Heap.RESERVED + Words.BYTES);
    if (head == null || Header.of(directory.cells(0), head) == null) {
      return 0;
    }
    long word = ByteBuffer.wrap(head).order(ByteOrder.LITTLE_ENDIAN).getLong(Heap.RESERVED);
    return Checked.valid(word) ? Checked.value(word) : 0;
  }
}
