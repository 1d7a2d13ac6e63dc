package dev.truce.cli;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.List;

/// Verbs that are no part of the command itself but of what stands on its class path: a class with
/// `static int run(List<String> arguments, PrintStream out, PrintStream err)`.
final class Elsewhere {
  private Elsewhere() {}

  static int run(String name, List<String> arguments, Console console) {
    try {
      Class<?> type = Class.forName(name);
      MethodHandle run =
          MethodHandles.privateLookupIn(type, MethodHandles.lookup())
              .findStatic(
                  type,
                  "run",
                  MethodType.methodType(
                      int.class, List.class, java.io.PrintStream.class, java.io.PrintStream.class));
      return (int) run.invoke(arguments, console.out(), console.err());
    } catch (ClassNotFoundException absent) {
      throw Failure.configuration("not part of this installation: " + name);
    } catch (RuntimeException | Error thrown) {
      throw thrown;
    } catch (Throwable thrown) {
      throw new IllegalStateException(name, thrown);
    }
  }
}
