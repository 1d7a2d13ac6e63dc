package dev.truce.examples;

import static java.util.stream.Collectors.toCollection;

import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.constantpool.ClassEntry;
import java.lang.classfile.constantpool.MemberRefEntry;
import java.lang.classfile.constantpool.PoolEntry;
import java.lang.classfile.constantpool.StringEntry;
import java.lang.classfile.constantpool.Utf8Entry;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;

/// Which room of the house may know which, held per class by reading the compiled class files.
///
/// A room is the package after `dev.truce.`; the package `dev.truce` itself is two rooms: the
/// `door`, which is the class `Truce` alone, and the `vocabulary`, which is everything else in it.
final class Rooms {

  private static final Set<String> CORE =
      Set.of("door", "vocabulary", "lock", "store", "tx", "spi", "event", "memory", "internal");

  private static final Set<String> PUBLIC_CORE =
      Set.of("door", "vocabulary", "lock", "store", "tx", "spi", "event", "memory");

  /// What each room may look at, besides itself. A room that is not listed may not exist.
  private static final Map<String, Set<String>> ARROWS =
      Map.ofEntries(
          Map.entry("door", CORE),
          Map.entry("vocabulary", Set.of()),
          Map.entry("spi", Set.of("vocabulary")),
          Map.entry("event", Set.of("vocabulary")),
          Map.entry("internal", Set.of("vocabulary", "spi")),
          Map.entry("lock", Set.of("spi", "event", "vocabulary", "internal")),
          Map.entry("store", Set.of("spi", "event", "vocabulary", "internal")),
          Map.entry("tx", Set.of("spi", "event", "vocabulary", "internal")),
          Map.entry("memory", Set.of("spi", "vocabulary", "internal")),
          Map.entry("file", Set.of("spi", "vocabulary", "event")),
          Map.entry("testkit", PUBLIC_CORE),
          Map.entry("jackson", Set.of("store", "vocabulary")),
          Map.entry("cli", plus(PUBLIC_CORE, "file", "testkit")),
          Map.entry("index", plus(PUBLIC_CORE, "file", "jackson")),
          Map.entry("benchmarks", plus(PUBLIC_CORE, "file", "testkit", "cli")),
          Map.entry(
              "examples", plus(PUBLIC_CORE, "file", "jackson", "testkit", "cli", "benchmarks")));

  /// The rooms that may print and end the process: the applications, and what is not published.
  private static final Set<String> MAY_PRINT = Set.of("cli", "index", "benchmarks", "examples");

  /// The main classes outside of these rooms. Each is a process of its own when it runs.
  private static final Set<String> MAIN_CLASSES = Set.of("dev.truce.testkit.FarmProcess");

  private static final Set<String> PRINTS_OR_EXITS =
      Set.of(
          "java.lang.System.exit",
          "java.lang.Runtime.exit",
          "java.lang.System.out",
          "java.lang.System.err");

  /// All that core may need from outside: two modules of the JDK, and annotations.
  private static final Set<String> OUTSIDE_OF_CORE = outsideOfCore();

  private static final Pattern IN_DESCRIPTOR = Pattern.compile("L([\\w$]+(?:/[\\w$]+)+)[;<]");

  private Rooms() {}

  /// What a class file does that its room may not; empty when it keeps to the rules.
  static List<String> offences(byte[] classFile) {
    ClassModel model = ClassFile.of().parse(classFile);
    String self = model.thisClass().asInternalName().replace('/', '.');
    if (self.equals("module-info")) {
      return List.of();
    }
    String room = room(self);
    Set<String> allowed = ARROWS.get(room);
    if (allowed == null) {
      return List.of(self + ": there is no room called " + room);
    }
    List<String> offences = new ArrayList<>();
    for (String other : referredTo(model)) {
      if (isOurs(other)) {
        String target = room(other);
        if (!target.equals(room) && !allowed.contains(target)) {
          offences.add(self + " (" + room + ") refers to " + other + " (" + target + ")");
        }
      } else if (CORE.contains(room) && !OUTSIDE_OF_CORE.contains(packageOf(other))) {
        offences.add(self + " (core) refers to " + other + ", which is outside of core");
      }
    }
    if (!MAY_PRINT.contains(room) && !MAIN_CLASSES.contains(self)) {
      members(model).stream()
          .filter(PRINTS_OR_EXITS::contains)
          .forEach(member -> offences.add(self + " (" + room + ") uses " + member));
    }
    return offences;
  }

  private static String room(String className) {
    String packageName = packageOf(className);
    if (packageName.equals("dev.truce")) {
      boolean door =
          className.equals("dev.truce.Truce") || className.startsWith("dev.truce.Truce$");
      return door ? "door" : "vocabulary";
    }
    String below = packageName.substring("dev.truce.".length());
    int dot = below.indexOf('.');
    return dot < 0 ? below : below.substring(0, dot);
  }

  private static boolean isOurs(String className) {
    return className.startsWith("dev.truce.");
  }

  private static String packageOf(String className) {
    return className.substring(0, Math.max(0, className.lastIndexOf('.')));
  }

  /// Every class named anywhere in the file: code, descriptors, generic signatures, annotations.
  private static Set<String> referredTo(ClassModel model) {
    Set<Utf8Entry> texts = new HashSet<>();
    for (PoolEntry entry : model.constantPool()) {
      if (entry instanceof StringEntry string) {
        texts.add(string.utf8());
      }
    }
    Set<String> found = new TreeSet<>();
    for (PoolEntry entry : model.constantPool()) {
      if (entry instanceof ClassEntry type && !type.asInternalName().startsWith("[")) {
        found.add(type.asInternalName().replace('/', '.'));
      } else if (entry instanceof Utf8Entry text && !texts.contains(text)) {
        IN_DESCRIPTOR
            .matcher(text.stringValue())
            .results()
            .forEach(match -> found.add(match.group(1).replace('/', '.')));
      }
    }
    return found;
  }

  private static Set<String> members(ClassModel model) {
    Set<String> found = new TreeSet<>();
    for (PoolEntry entry : model.constantPool()) {
      if (entry instanceof MemberRefEntry member) {
        String owner = member.owner().asInternalName().replace('/', '.');
        found.add(owner + "." + member.name().stringValue());
      }
    }
    return found;
  }

  private static Set<String> outsideOfCore() {
    Set<String> packages =
        ModuleLayer.boot().modules().stream()
            .filter(m -> m.getName().equals("java.base") || m.getName().equals("jdk.jfr"))
            .flatMap(m -> m.getPackages().stream())
            .filter(name -> name.startsWith("java.") || name.startsWith("jdk.jfr"))
            .collect(toCollection(HashSet::new));
    packages.add("org.jspecify.annotations");
    return packages;
  }

  private static Set<String> plus(Set<String> some, String... more) {
    Set<String> all = new HashSet<>(some);
    all.addAll(List.of(more));
    return Set.copyOf(all);
  }
}
