package dev.truce.cli;

import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.instruction.ReturnInstruction;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.Objects;

/// JVMs whose wall clock is off, and no other: what the system's clock says is patched into the
/// JDK's class that reads it, so that no package has to be installed for it.
final class WallClock {
  private static final ClassDesc INSTANT = ClassDesc.of("java.time.Instant");
  private static final MethodTypeDesc PLUS = MethodTypeDesc.of(INSTANT, ConstantDescs.CD_long);

  private WallClock() {}

  /// The flag for a JVM whose clock is off by so much; what it needs is written below `directory`.
  static String off(Path directory, Duration by) throws IOException {
    Path patch = directory.resolve("clock" + by.toSeconds());
    Path file = patch.resolve("java/time/Clock.class");
    Files.createDirectories(file.getParent());
    Files.write(file, clock(by));
    return "--patch-module=java.base=" + patch;
  }

  private static byte[] clock(Duration by) throws IOException {
    try (InputStream in = Objects.requireNonNull(Clock.class.getResourceAsStream("Clock.class"))) {
      ClassFile classes = ClassFile.of();
      return classes.transformClass(
          classes.parse(in.readAllBytes()),
          ClassTransform.transformingMethodBodies(
              method -> method.methodName().equalsString("currentInstant"),
              (code, element) -> {
                if (element instanceof ReturnInstruction) {
                  code.loadConstant(by.toSeconds()).invokevirtual(INSTANT, "plusSeconds", PLUS);
                }
                code.with(element);
              }));
    }
  }
}
