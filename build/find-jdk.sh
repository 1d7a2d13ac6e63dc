# Finds a JDK 25 on this machine. Sourced by ./mvnw and ./truce; plain POSIX sh, no process started
# except to follow a `java` on the PATH.
#
#   truce_find_jdk   sets TRUCE_JDK to its folder; returns 1 when there is none
#   truce_no_jdk     says on stderr how to get one

# Is $1 the folder of a JDK 25, with its compiler? Asks its `release` file, which costs no JVM start.
truce_is_jdk() {
  [ -n "$1" ] && [ -x "$1/bin/java" ] && [ -x "$1/bin/javac" ] && [ -r "$1/release" ] || return 1
  while IFS='=' read -r truce_key truce_value; do
    case $truce_key=$truce_value in
      'JAVA_VERSION="25"' | 'JAVA_VERSION="25.'*) return 0 ;;
    esac
  done <"$1/release"
  return 1
}

truce_find_jdk() {
  truce_java=$(command -v java 2>/dev/null) &&
    truce_java=$(readlink -f -- "$truce_java" 2>/dev/null) || truce_java=
  for TRUCE_JDK in "${JAVA_HOME:-}" "${truce_java%/bin/java}" "${JAVA_HOME_25_X64:-}" \
    "${JAVA_HOME_25_ARM64:-}" "${JDK_25:-}" \
    /usr/lib/jvm/*25* /usr/java/*25* \
    "${HOME:-}"/.sdkman/candidates/java/25* "${HOME:-}"/.jdks/*25* \
    /Library/Java/JavaVirtualMachines/*25*/Contents/Home \
    "${HOME:-}"/Library/Java/JavaVirtualMachines/*25*/Contents/Home \
    /opt/java* /opt/java/* /opt/jdk*; do
    truce_is_jdk "$TRUCE_JDK" && return 0
  done
  TRUCE_JDK=
  return 1
}

truce_no_jdk() {
  cat >&2 <<'END'
truce: no JDK 25 found. Looked at JAVA_HOME, java on the PATH, JAVA_HOME_25_X64, /usr/lib/jvm,
  ~/.sdkman, ~/.jdks, /Library/Java and /opt. Any one of these brings one:
    apt install openjdk-25-jdk-headless     (Debian, Ubuntu)
    dnf install java-25-openjdk-devel       (Fedora)
    brew install openjdk@25                 (macOS; then set JAVA_HOME)
    sdk install java 25-tem                 (SDKMAN, any Unix, no root)
    Eclipse Temurin 25, the archive from Adoptium, unpacked under /opt or ~/.jdks
  or set JAVA_HOME to the folder of a JDK 25.
END
}
