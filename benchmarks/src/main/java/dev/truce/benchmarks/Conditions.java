package dev.truce.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/// What a figure is worth nothing without: where and when it was measured.
record Conditions(
    String cpu,
    int cores,
    String kernel,
    String jdk,
    String fileSystem,
    String loadBefore,
    Instant measuredAt) {

  /// As they are now.
  static Conditions of(Path directory) throws IOException {
    return new Conditions(
        cpuName(),
        Runtime.getRuntime().availableProcessors(),
        System.getProperty("os.name") + " " + System.getProperty("os.version"),
        System.getProperty("java.vm.name") + " " + Runtime.version(),
        Files.getFileStore(directory).type(),
        loadNow(),
        Instant.now().truncatedTo(ChronoUnit.SECONDS));
  }

  private static String cpuName() throws IOException {
    try (Stream<String> lines = Files.lines(Path.of("/proc/cpuinfo"))) {
      return lines
          .filter(line -> line.startsWith("model name"))
          .map(line -> line.substring(line.indexOf(':') + 1).strip())
          .findFirst()
          .orElse(System.getProperty("os.arch"));
    }
  }

  /// The load of the last minute, five and fifteen, as the kernel says it.
  static String loadNow() throws IOException {
    String load = Files.readString(Path.of("/proc/loadavg"));
    return String.join(" ", List.of(load.split(" ", -1)).subList(0, 3));
  }

  /// By their names in `--json`, in the order in which they are shown.
  Map<String, Object> named() {
    Map<String, Object> named = new LinkedHashMap<>();
    named.put("cpu", cpu);
    named.put("cores", cores);
    named.put("kernel", kernel);
    named.put("jdk", jdk);
    named.put("file_system", fileSystem);
    named.put("load_before", loadBefore);
    named.put("measured_at", measuredAt.toString());
    return named;
  }
}
