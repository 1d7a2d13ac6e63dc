package dev.truce.testkit;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import javax.tools.FileObject;
import javax.tools.ForwardingJavaFileManager;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileManager;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;

/// Code that is wrong in one place: a source with one passage replaced, compiled anew, so that the
/// code itself knows nothing of it. An exam that passes over it proves nothing there.
///
/// Needs the compiler of a JDK, and the classes of the source on the class path.
public final class SourceMutant {
  private SourceMutant() {}

  /// A world in which the mutant stands in for what it was made from. It has all classes to itself
  /// whose names begin with `inside`; what examines the mutant is [loaded][ClassLoader#loadClass]
  /// there, too. All else is everybody's.
  ///
  /// @throws AssertionError if `passage` is not there, or more than once, so that it is no mutant
  ///   any more, or if it does not compile
  public static ClassLoader world(Path source, String passage, String instead, String inside)
      throws IOException {
    String text = Files.readString(source);
    int at = text.indexOf(passage);
    if (at < 0 || text.indexOf(passage, at + 1) >= 0) {
      throw new AssertionError("no mutant any more: " + source + " has not one passage " + passage);
    }
    return new World(compiled(source.toUri(), text.replace(passage, instead)), inside);
  }

  private static Map<String, ByteArrayOutputStream> compiled(URI source, String text) {
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    Written classes = new Written(compiler.getStandardFileManager(null, null, null));
    List<String> options = List.of("-proc:none", "-nowarn");
    List<Source> sources = List.of(new Source(source, text));
    if (!compiler.getTask(null, classes, null, options, null, sources).call()) {
      throw new AssertionError("it does not compile: " + source);
    }
    return classes.written;
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

  private static final class World extends ClassLoader {
    private final Map<String, ByteArrayOutputStream> changed;
    private final String inside;

    World(Map<String, ByteArrayOutputStream> changed, String inside) {
      super(SourceMutant.class.getClassLoader());
      this.changed = changed;
      this.inside = inside;
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
      if (!name.startsWith(inside)) {
        return super.loadClass(name, resolve);
      }
      synchronized (getClassLoadingLock(name)) {
        Class<?> known = findLoadedClass(name);
        return known == null ? define(name) : known;
      }
    }

    private Class<?> define(String name) throws ClassNotFoundException {
      try (InputStream unchanged = getResourceAsStream(name.replace('.', '/') + ".class")) {
        ByteArrayOutputStream mutant = changed.get(name);
        if (mutant == null && unchanged == null) {
          throw new ClassNotFoundException(name);
        }
        byte[] bytes = mutant == null ? unchanged.readAllBytes() : mutant.toByteArray();
        return defineClass(name, bytes, 0, bytes.length);
      } catch (IOException e) {
        throw new ClassNotFoundException(name, e);
      }
    }
  }
}
