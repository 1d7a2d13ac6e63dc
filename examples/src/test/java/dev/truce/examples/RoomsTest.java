package dev.truce.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Holds the arrows between the rooms, and proves that the one who holds them can say no.
class RoomsTest {

  @Test
  void everyClassOfTheHouseKeepsToItsRoom() throws IOException {
    List<Path> classes = House.filesIn("target/classes", ".class");
    assertThat(classes).anyMatch(path -> path.endsWith("dev/truce/Fence.class"));
    assertThat(classes).anyMatch(path -> path.endsWith("dev/truce/cli/Main.class"));

    List<String> offences = new ArrayList<>();
    for (Path path : classes) {
      offences.addAll(Rooms.offences(Files.readAllBytes(path)));
    }
    assertThat(offences).isEmpty();
  }

  @Test
  void aCompiledClassThatBreaksTheRulesIsNamedWithEachOfThem() throws IOException {
    Path broken = Path.of("target/test-classes/dev/truce/spi/TellsTales.class");

    assertThat(Rooms.offences(Files.readAllBytes(broken)))
        .containsExactly(
            "dev.truce.spi.TellsTales (spi) refers to dev.truce.lock.NamedLock (lock)",
            "dev.truce.spi.TellsTales (spi) uses java.lang.System.exit",
            "dev.truce.spi.TellsTales (spi) uses java.lang.System.out");
  }

  @ParameterizedTest
  @CsvSource({
    "dev.truce.Word,               dev.truce.lock.NamedLock",
    "dev.truce.Word,               dev.truce.Truce",
    "dev.truce.spi.Broken,         dev.truce.event.TruceEvent",
    "dev.truce.event.Broken,       dev.truce.spi.Cells",
    "dev.truce.internal.Broken,    dev.truce.event.TruceEvent",
    "dev.truce.memory.Broken,      dev.truce.lock.NamedLock",
    "dev.truce.lock.Broken,        dev.truce.store.Store",
    "dev.truce.lock.Broken,        dev.truce.Truce$Builder",
    "dev.truce.store.Broken,       dev.truce.lock.Grant",
    "dev.truce.tx.Broken,          dev.truce.store.Store",
    "dev.truce.lock.Broken,        java.sql.Connection",
    "dev.truce.Truce,              java.util.logging.Logger",
    "dev.truce.file.Broken,        dev.truce.lock.Grant",
    "dev.truce.file.deep.Broken,   dev.truce.memory.MemoryEngine",
    "dev.truce.testkit.Broken,     dev.truce.file.FileEngine",
    "dev.truce.testkit.Broken,     dev.truce.internal.Backoff",
    "dev.truce.jackson.Broken,     dev.truce.Truce",
    "dev.truce.store.Broken,       dev.truce.jackson.JacksonCodec",
    "dev.truce.index.Broken,       dev.truce.cli.Main",
    "dev.truce.cli.Broken,         dev.truce.index.Index",
    "dev.truce.cli.Broken,         dev.truce.benchmarks.Load",
    "dev.truce.benchmarks.Broken,  dev.truce.examples.Rooms",
    "dev.truce.cellar.Broken,      java.lang.String",
  })
  void aForbiddenArrowIsNamed(String self, String other) {
    assertThat(Rooms.offences(classWithField(self, other)))
        .singleElement()
        .asString()
        .contains(self);
  }

  @ParameterizedTest
  @CsvSource({
    "dev.truce.Truce,           dev.truce.memory.MemoryEngine",
    "dev.truce.Truce$Builder,   dev.truce.lock.Locks",
    "dev.truce.lock.Fine,       dev.truce.internal.Backoff",
    "dev.truce.lock.Fine,       jdk.jfr.Event",
    "dev.truce.lock.Fine,       java.util.concurrent.locks.Lock",
    "dev.truce.memory.Fine,     dev.truce.spi.Cells",
    "dev.truce.file.deep.Fine,  dev.truce.file.FileEngine",
    "dev.truce.jackson.Fine,    dev.truce.store.Codec",
    "dev.truce.cli.Fine,        java.sql.Connection",
    "dev.truce.examples.Fine,   dev.truce.benchmarks.Load",
  })
  void anAllowedArrowPasses(String self, String other) {
    assertThat(Rooms.offences(classWithField(self, other))).isEmpty();
  }

  @Test
  void aCallThatEndsTheProcessIsNamed() {
    byte[] exits =
        ClassFile.of()
            .build(
                ClassDesc.of("dev.truce.file.Broken"),
                type ->
                    type.withMethodBody(
                        "stop",
                        ConstantDescs.MTD_void,
                        ClassFile.ACC_STATIC,
                        code ->
                            code.iconst_1()
                                .invokestatic(
                                    ClassDesc.of("java.lang.System"),
                                    "exit",
                                    MethodTypeDesc.of(ConstantDescs.CD_void, ConstantDescs.CD_int))
                                .return_()));

    assertThat(Rooms.offences(exits))
        .containsExactly("dev.truce.file.Broken (file) uses java.lang.System.exit");
  }

  private static byte[] classWithField(String self, String other) {
    return ClassFile.of()
        .build(
            ClassDesc.of(self),
            type -> type.withField("field", ClassDesc.of(other), ClassFile.ACC_PRIVATE));
  }
}
