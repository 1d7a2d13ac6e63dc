package dev.truce.cli;

import java.io.BufferedReader;
import java.io.File;
import java.io.FileInputStream;
import java.io.FileReader;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// The life pipe of a run: the command and all that it starts have inherited its writing end, so
/// its end of file says that every one of them is gone. This process has the reading end, as
/// descriptor 3.
///
/// A process that closed its descriptors is not seen here; the command itself is also known by its
/// pid, and what descends from it by theirs, as long as their parents live.
final class Life {
  private static final String PIPE = "/proc/self/fd/3";
  private static final long AGAIN_MILLIS = 20;

  private final long shell;
  private volatile long command;

  /// When the command began, as the kernel counts: another process may get its pid.
  private volatile @Nullable String since;

  /// @param shell the pid of the launcher's shell, which has the writing end until the command does
  Life(long shell) {
    this.shell = shell;
  }

  /// The pid of the command is this.
  void of(long newCommand) {
    since = newCommand == 0 ? null : began(newCommand);
    command = newCommand;
  }

  /// Waits until everyone is gone.
  void await() {
    try {
      drain();
    } catch (IOException unreadable) {
      // Without the pipe there is no sign of life left but the command's own end.
    }
  }

  private void drain() throws IOException {
    FileInputStream life;
    // Opening for reading alone would block if no writer were left.
    RandomAccessFile both = new RandomAccessFile(PIPE, "rw");
    try {
      life = new FileInputStream(PIPE);
    } finally {
      both.close();
    }
    try (life) {
      while (life.read() >= 0) {
        // Nobody has a reason to write here, and nobody is heard.
      }
    }
  }

  /// Kills everyone, and comes back when they are gone.
  void end() {
    // Who forks while it is looked for is found the next time.
    Thread empty = Thread.ofPlatform().daemon().name("truce-life").start(this::await);
    do {
      signal(true);
      nap(empty);
    } while (empty.isAlive() || isRunning());
  }

  private static void nap(Thread until) {
    try {
      until.join(AGAIN_MILLIS);
    } catch (InterruptedException notNow) {
      // Whoever wants this to stop has to wait as well.
    }
  }

  /// Whether the command lives or anybody has the life pipe.
  boolean isInhabited() {
    return isRunning() || !writers().isEmpty();
  }

  private boolean isRunning() {
    String stat = stat(command);
    return stat != null && !stat.startsWith("Z") && field(stat).equals(since);
  }

  private static @Nullable String began(long pid) {
    String stat = stat(pid);
    return stat == null ? null : field(stat);
  }

  /// What `proc_pid_stat(5)` says of a process from its state on.
  private static @Nullable String stat(long pid) {
    String stat = pid == 0 ? null : firstLine("/proc/" + pid + "/stat");
    return stat == null ? null : stat.substring(stat.lastIndexOf(')') + 2);
  }

  /// Field 22, the start: the twentieth from the state on.
  private static String field(String stat) {
    int at = 0;
    for (int i = 0; i < 19; i++) {
      at = stat.indexOf(' ', at) + 1;
    }
    return stat.substring(at, stat.indexOf(' ', at));
  }

  /// Sends TERM, or KILL with `force`, to the command, to what descends from it and to whoever has
  /// the life pipe.
  void signal(boolean force) {
    Set<ProcessHandle> all = new HashSet<>();
    if (isRunning()) {
      ProcessHandle.of(command)
          .ifPresent(handle -> {
            all.add(handle);
            handle.descendants().forEach(all::add);
          });
    }
    for (long pid : writers()) {
      ProcessHandle.of(pid).ifPresent(all::add);
    }
    all.removeIf(handle -> handle.pid() == shell || handle.equals(ProcessHandle.current()));
    for (ProcessHandle handle : all) {
      if (force) {
        handle.destroyForcibly();
      } else {
        handle.destroy();
      }
    }
  }

  private Set<Long> writers() {
    Set<Long> found = new HashSet<>();
    String pipe = target(PIPE);
    String[] names = new File("/proc").list();
    if (pipe == null || names == null) {
      return found;
    }
    for (String name : names) {
      if (Character.isDigit(name.charAt(0)) && writes(name, pipe)) {
        found.add(Long.parseLong(name));
      }
    }
    found.remove(shell);
    found.remove(ProcessHandle.current().pid());
    return found;
  }

  private static boolean writes(String pid, String pipe) {
    String[] descriptors = new File("/proc/" + pid + "/fd").list();
    if (descriptors != null) {
      for (String descriptor : descriptors) {
        if (pipe.equals(target("/proc/" + pid + "/fd/" + descriptor))
            && isForWriting(pid, descriptor)) {
          return true;
        }
      }
    }
    return false;
  }

  private static @Nullable String target(String link) {
    try {
      return Files.readSymbolicLink(Path.of(link)).toString();
    } catch (IOException gone) {
      return null;
    }
  }

  /// The lowest two bits of the flags, in octal: 0 is reading alone.
  private static boolean isForWriting(String pid, String descriptor) {
    String path = "/proc/" + pid + "/fdinfo/" + descriptor;
    try (BufferedReader lines = new BufferedReader(new FileReader(path, StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (line.startsWith("flags:")) {
          return (line.charAt(line.length() - 1) & 3) != 0;
        }
      }
    } catch (IOException gone) {
      // it has closed it, or died
    }
    return false;
  }

  private static @Nullable String firstLine(String path) {
    try (BufferedReader lines = new BufferedReader(new FileReader(path, StandardCharsets.UTF_8))) {
      return lines.readLine();
    } catch (IOException gone) {
      return null;
    }
  }
}
