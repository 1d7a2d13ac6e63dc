package dev.truce.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import javax.tools.FileObject;
import javax.tools.ForwardingJavaFileManager;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileManager;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;

/// A world in which one source of this package reads otherwise in one place, and all else, tests
/// included, is as it is: so the code itself knows nothing of what would be wrong with it.
final class Mutated extends ClassLoader {
  private static final Path SOURCES = Path.of("src/main/java/dev/truce/store");
  private static final String PACKAGE = Mutated.class.getPackageName() + ".";

  private final Map<String, byte[]> changed;

  private Mutated(Map<String, byte[]> changed) {
    super(Mutated.class.getClassLoader());
    this.changed = changed;
  }

  /// @param type the class whose source it is
  /// @throws AssertionError if the source has not one such passage, so that this is no mutant any
  ///   more
  static Mutated with(String type, String passage, String instead) throws IOException {
    Path file = SOURCES.resolve(type + ".java");
    String source = Files.readString(file);
    assertThat(source.split(Pattern.quote(passage), -1))
        .as("no mutant any more: %s has not one passage %s", file, passage)
        .hasSize(2);
    return new Mutated(compiled(file, source.replace(passage, instead)));
  }

  /// The world as it is, in every other respect like the others.
  static Mutated nowhere() {
    return new Mutated(Map.of());
  }

  private static Map<String, byte[]> compiled(Path file, String source) {
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    Written classes = new Written(compiler.getStandardFileManager(null, null, null));
    boolean right =
        compiler
            .getTask(
                null,
                classes,
                null,
                List.of("-proc:none", "-nowarn"),
                null,
                List.of(new Source(file.toUri(), source)))
            .call();
    assertThat(right).as("it compiles").isTrue();
    Map<String, byte[]> bytes = new HashMap<>();
    classes.written.forEach((name, written) -> bytes.put(name, written.toByteArray()));
    return bytes;
  }

  /// Runs one test in this world, and then what follows each of them. Throws what the test throws,
  /// or else what follows it.
  void take(Class<?> test, String method, String after) throws Throwable {
    Class<?> here = loadClass(test.getName());
    var constructor = here.getDeclaredConstructor();
    constructor.setAccessible(true);
    Object taken = constructor.newInstance();
    try {
      invoke(taken, method);
    } catch (Throwable failed) {
      try {
        invoke(taken, after);
      } catch (Throwable also) {
        failed.addSuppressed(also);
      }
      throw failed;
    }
    invoke(taken, after);
  }

  private static void invoke(Object test, String name) throws Throwable {
    Method method = test.getClass().getDeclaredMethod(name);
    method.setAccessible(true);
    try {
      method.invoke(test);
    } catch (InvocationTargetException failed) {
      throw failed.getCause();
    }
  }

  @Override
  protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
    if (!name.startsWith(PACKAGE)) {
      return super.loadClass(name, resolve);
    }
    synchronized (getClassLoadingLock(name)) {
      Class<?> known = findLoadedClass(name);
      return known == null ? define(name) : known;
    }
  }

  private Class<?> define(String name) throws ClassNotFoundException {
    byte[] bytes = changed.get(name);
    try (var unchanged = getResourceAsStream(name.replace('.', '/') + ".class")) {
      if (bytes == null && unchanged != null) {
        bytes = unchanged.readAllBytes();
      }
    } catch (IOException e) {
      throw new ClassNotFoundException(name, e);
    }
    if (bytes == null) {
      throw new ClassNotFoundException(name);
    }
    return defineClass(name, bytes, 0, bytes.length);
  }

  private static final class Source extends SimpleJavaFileObject {
    private final String text;

    Source(URI file, String text) {
      super(file, Kind.SOURCE);
      this.text = text;
    }

    @Override
    public String getCharContent(boolean ignoreEncodingErrors) {
      return text;
    }
  }

  private static final class Written extends ForwardingJavaFileManager<JavaFileManager> {
    private final Map<String, ByteArrayOutputStream> written = new HashMap<>();

    Written(JavaFileManager inner) {
      super(inner);
    }

    @Override
    public JavaFileObject getJavaFileForOutput(
        Location location, String name, JavaFileObject.Kind kind, FileObject sibling) {
      return new SimpleJavaFileObject(URI.create("memory:///" + name.replace('.', '/')), kind) {
        @Override
        public OutputStream openOutputStream() {
          return written.computeIfAbsent(name, _ -> new ByteArrayOutputStream());
        }
      };
    }
  }
}
