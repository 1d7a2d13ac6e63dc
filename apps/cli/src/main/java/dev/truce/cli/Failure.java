package dev.truce.cli;

import dev.truce.EngineException;
import dev.truce.FencedException;
import dev.truce.OutcomeUnknownException;
import dev.truce.TruceException;
import dev.truce.lock.LockLostException;
import dev.truce.store.ConflictException;
import dev.truce.store.TooOldException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import org.jspecify.annotations.Nullable;

/// A command that ends without its answer: what to say, and the status.
final class Failure extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /// The statuses that `truce help --all` lists, from sysexits where it has one.
  static final int USAGE = 64;

  static final int DAMAGED = 65;
  static final int UNREACHABLE = 69;
  static final int INTERNAL = 70;
  static final int REFUSED_PLACE = 73;
  static final int IO = 74;
  static final int NOT_ACQUIRED = 75;
  static final int MOVED_ON = 76;
  static final int NOT_PERMITTED = 77;
  static final int CONFIGURATION = 78;
  static final int UNKNOWN = 79;

  private final int status;
  private final String kind;
  private final transient @Nullable Verb verb;

  private Failure(
      int status, String kind, String message, @Nullable Verb verb, @Nullable Throwable cause) {
    super(message, cause, false, false);
    this.status = status;
    this.kind = kind;
    this.verb = verb;
  }

  /// A call that makes no sense, with the verb whose usage line helps.
  static Failure usage(@Nullable Verb verb, String message) {
    return new Failure(USAGE, "usage", message, verb, null);
  }

  static Failure configuration(String message) {
    return new Failure(CONFIGURATION, "configuration", message, null, null);
  }

  /// A command that is stopped for the sake of its locks.
  static Failure stopped(int status, String kind, String message) {
    return new Failure(status, kind, message, null, null);
  }

  /// Something that repeating does not help.
  static Failure movedOn(String kind, Throwable refused) {
    return new Failure(MOVED_ON, kind, String.valueOf(refused.getMessage()), null, refused);
  }

  /// What was asked for is kept no longer.
  static Failure tooOld(String message) {
    return new Failure(MOVED_ON, "too_old", message, null, null);
  }

  /// What was to be read and cannot be.
  static Failure unreadable(String what, Exception failure) {
    return io(what + " cannot be read", failure);
  }

  private static Failure io(String what, @Nullable Throwable failure) {
    return new Failure(IO, "io", what + ": " + reason(failure), null, failure);
  }

  /// Why a file could not be read or written, without its path, which is all that some of these
  /// exceptions say.
  private static String reason(@Nullable Throwable failure) {
    return switch (failure) {
      case NoSuchFileException _ -> "there is no such file";
      case AccessDeniedException _ -> "permission denied";
      case NotDirectoryException _ -> "there is no such directory";
      case FileSystemException file when file.getReason() != null -> file.getReason();
      case null -> "an I/O error";
      default -> String.valueOf(failure.getMessage());
    };
  }

  /// A write under the locks of the environment, one of which is had no longer.
  static Failure fenced(FencedException refused) {
    return new Failure(
        MOVED_ON,
        "fenced",
        refused.getMessage()
            + ": what this runs under has lost that lock, or has it in another root; nothing was"
            + " written; after truce release, unset TRUCE_LOCK TRUCE_TOKEN; --no-fence writes"
            + " whatever happened to it",
        null,
        refused);
  }

  static Failure of(EngineException failure) {
    String said = failure.getMessage() == null ? failure.toString() : failure.getMessage();
    return switch (failure.kind()) {
      case UNREACHABLE -> new Failure(UNREACHABLE, "unreachable", said, null, failure);
      case DAMAGED -> new Failure(DAMAGED, "damaged", said, null, failure);
      case REFUSED_PLACE -> new Failure(REFUSED_PLACE, "refused_place", said, null, failure);
      case IO -> new Failure(IO, "io", said, null, failure);
      case NOT_PERMITTED -> new Failure(NOT_PERMITTED, "not_permitted", said, null, failure);
      case CONFIGURATION -> new Failure(CONFIGURATION, "configuration", said, null, failure);
      case CLOSED -> new Failure(UNREACHABLE, "closed", said, null, failure);
    };
  }

  /// Whatever was thrown, as a failure.
  static Failure of(Throwable thrown) {
    return switch (thrown) {
      case Failure failure -> failure;
      case EngineException failure -> of(failure);
      case LockLostException lost -> said(MOVED_ON, "lost", lost);
      case FencedException fenced -> said(MOVED_ON, "fenced", fenced);
      case ConflictException conflict -> said(MOVED_ON, "conflict", conflict);
      case OutcomeUnknownException unknown -> unknown(unknown);
      case TooOldException tooOld -> said(MOVED_ON, "too_old", tooOld);
      case UncheckedIOException failed ->
          io(String.valueOf(failed.getMessage()), failed.getCause());
      case IllegalArgumentException refused when refused.getMessage() != null ->
          usage(null, refused.getMessage());
      default ->
          new Failure(INTERNAL, "internal", "this is a defect of truce: " + thrown, null, thrown);
    };
  }

  private static Failure unknown(OutcomeUnknownException unknown) {
    Failure failure = said(UNKNOWN, "outcome_unknown", unknown);
    return unknown.id().isPresent() ? failure.adding(": --id " + unknown.id().get()) : failure;
  }

  private static Failure said(int status, String kind, TruceException thrown) {
    String said = thrown.getMessage() == null ? kind : thrown.getMessage();
    return new Failure(status, kind, said, null, thrown);
  }

  /// The same, with more to say.
  Failure adding(String more) {
    return new Failure(status, kind, text() + more, verb, getCause());
  }

  int status() {
    return status;
  }

  /// What tells causes of one status apart.
  String kind() {
    return kind;
  }

  /// What it says, complete.
  String text() {
    String message = getMessage();
    return message == null ? kind : message;
  }

  /// The whole of it as one JSON object.
  String json() {
    return Json.object()
        .put("schema", "truce.error/1")
        .put("kind", kind)
        .put("status", status)
        .put("message", text())
        .put("usage", verb == null ? null : verb.usage())
        .toString();
  }

  /// Says it to people: in one line, and the usage line after a wrong call.
  void report(Console console) {
    console.error("truce: " + Text.shown(text()));
    if (verb != null) {
      console.error(verb.usage());
    }
    if (status == INTERNAL && getCause() != null) {
      console.trace(getCause());
    }
  }
}
