package dev.truce.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// What the rows of one run share.
///
/// @param place a directory of its own, with a root and a file for the kernel's locks in it
/// @param launcher the `truce` of the checkout
record Workshop(Path place, Path launcher, Effort effort) {
  static Path root(Path place) {
    return place.resolve("root");
  }

  /// The file that the peers lock.
  static Path lockFile(Path place) {
    return place.resolve("peer.lock");
  }

  /// The page that the workers share, for what is done under the locks.
  static Path page(Path place) {
    return place.resolve("page");
  }

  static Path makePlace() throws IOException {
    Path place = Files.createTempDirectory("truce-bench-");
    Files.createFile(lockFile(place));
    Files.write(page(place), new byte[SharedPage.BYTES]);
    return place;
  }

  Jvm start(Class<?> main, String... arguments) throws IOException {
    return start(Jvm.Compiler.OPTIMISING, main, arguments);
  }

  /// Nobody waits for good code where nothing is measured.
  Jvm start(Jvm.Compiler wanted, Class<?> main, String... arguments) throws IOException {
    Jvm.Compiler compiler = effort.equals(Effort.QUICK) ? Jvm.Compiler.QUICK : wanted;
    String[] all = new String[arguments.length + 1];
    all[0] = place.toString();
    System.arraycopy(arguments, 0, all, 1, arguments.length);
    return Jvm.start(compiler, main, all);
  }
}
