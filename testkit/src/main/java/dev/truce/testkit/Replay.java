package dev.truce.testkit;

import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.LifecycleMethodExecutionExceptionHandler;
import org.junit.jupiter.api.extension.TestExecutionExceptionHandler;

/// Says with every failure of a [Seeded] test how to repeat it.
public final class Replay
    implements TestExecutionExceptionHandler, LifecycleMethodExecutionExceptionHandler {
  /// For JUnit, which makes one by `@ExtendWith(Replay.class)`.
  public Replay() {}

  /// A test that draws its randomness from one seed.
  public interface Seeded {
    Seed seed();
  }

  @Override
  public void handleTestExecutionException(ExtensionContext context, Throwable failure)
      throws Throwable {
    throw noted(context, failure);
  }

  @Override
  public void handleBeforeEachMethodExecutionException(ExtensionContext context, Throwable failure)
      throws Throwable {
    throw noted(context, failure);
  }

  @Override
  public void handleAfterEachMethodExecutionException(ExtensionContext context, Throwable failure)
      throws Throwable {
    throw noted(context, failure);
  }

  private static Throwable noted(ExtensionContext context, Throwable failure) {
    if (context.getRequiredTestInstance() instanceof Seeded seeded) {
      failure.addSuppressed(
          new Note(
              "to repeat it: ./mvnw "
                  + command(context.getRequiredTestClass().getSimpleName())
                  + "#"
                  + context.getRequiredTestMethod().getName()
                  + " "
                  + seeded.seed().replay()));
    }
    return failure;
  }

  /// Tests with other processes, and long ones, are run by another phase.
  private static String command(String test) {
    return (test.endsWith("IT") ? "verify -Dit.test=" : "test -Dtest=") + test;
  }

  /// A line in the report of a failure.
  private static final class Note extends Exception {
    private static final long serialVersionUID = 1L;

    Note(String message) {
      super(message, null, false, false);
    }
  }
}
