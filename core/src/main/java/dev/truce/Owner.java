package dev.truce;

/// Who takes part, for people to read: shown in refusals, listings and messages, never compared to
/// decide anything. Identity is the engine's member number, never a pid.
///
/// @param name what the owner calls itself, `user` unless told otherwise
/// @param host the machine it runs on
/// @param pid its process id there, 0 when there is none
public record Owner(String name, String host, long pid) {
  /// `ci@build-3 (pid 8112)`.
  @Override
  public String toString() {
    return name + "@" + host + (pid == 0 ? "" : " (pid " + pid + ")");
  }
}
