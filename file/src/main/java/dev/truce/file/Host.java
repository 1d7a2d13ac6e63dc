package dev.truce.file;

import dev.truce.EngineException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// The machine and its present boot, as the kernel names them.
///
/// @param machine stays the same over boots; empty where the machine has no id, as in many
///   containers
/// @param boot is the same for all processes of one running kernel, whatever their namespaces
record Host(String machine, String boot) {
  private static final Path MACHINE = Path.of("/etc/machine-id");
  private static final Path BOOT = Path.of("/proc/sys/kernel/random/boot_id");

  static Host current() {
    return new Host(machineId(), bootId());
  }

  private static String machineId() {
    try {
      return Files.readString(MACHINE).strip();
    } catch (IOException e) {
      return "";
    }
  }

  private static String bootId() {
    try {
      return Files.readString(BOOT).strip();
    } catch (IOException e) {
      throw new EngineException(
          EngineException.Kind.NOT_PERMITTED,
          BOOT + " cannot be read, and without it a reboot cannot be told: mount /proc",
          e);
    }
  }
}
