package dev.truce;

/// How safe an acknowledged change is, named in every result.
public enum Durability {
  /// On the device, as far as the device is honest: survives a power cut.
  FSYNC,
  /// Handed to the operating system: survives the death of every process, not of the machine.
  OS,
  /// In memory: ends with the last process.
  NONE
}
