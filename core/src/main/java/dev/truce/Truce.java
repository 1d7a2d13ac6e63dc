package dev.truce;

import dev.truce.event.TruceListener;
import dev.truce.lock.DeadlockPolicy;
import dev.truce.lock.Election;
import dev.truce.lock.History;
import dev.truce.lock.Lease;
import dev.truce.lock.LockSet;
import dev.truce.lock.LockStatistics;
import dev.truce.lock.LockStatus;
import dev.truce.lock.LockWait;
import dev.truce.lock.Locks;
import dev.truce.lock.NamedLock;
import dev.truce.lock.Permits;
import dev.truce.lock.Traffic;
import dev.truce.memory.MemoryEngine;
import dev.truce.spi.Engine;
import dev.truce.spi.EngineProvider;
import dev.truce.store.Codec;
import dev.truce.store.Commit;
import dev.truce.store.Parked;
import dev.truce.store.Resolver;
import dev.truce.store.Store;
import dev.truce.store.StoreStatus;
import dev.truce.store.Stores;
import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/// The door: one handle on one root, where many writers share things and none of them loses work.
///
/// ```java
/// try (Truce truce = Truce.open(Path.of("/srv/app/.truce"));
///     Grant grant = truce.lock("index").acquire(Duration.ofSeconds(10))) {
///   rebuild();
/// }
/// ```
///
/// **Threads.** Safe for any number of them; a process needs one handle for a root. Two handles
/// exclude each other like two processes.
///
/// **Death.** There is no shutdown hook: when the process dies, the kernel or the engine sees it,
/// and what it held is free.
public final class Truce implements AutoCloseable {
  private final Engine engine;
  private final boolean ownsEngine;
  private final Locks locks;
  private final Owner owner;
  private @Nullable Stores stores;

  private Truce(Engine engine, boolean ownsEngine, Builder settings) {
    this.engine = engine;
    this.ownsEngine = ownsEngine;
    this.owner = settings.describe();
    this.locks =
        Locks.over(
            engine,
            owner,
            settings.maxWaiters,
            Optional.ofNullable(settings.within),
            settings.deadlocks,
            settings.measuring,
            settings.listeners);
  }

  /// Opens the root in `directory` and creates it if there is none.
  ///
  /// @throws EngineException if the directory cannot be used, or nothing on the class path serves
  ///   directories
  public static Truce open(Path directory) {
    return builder().directory(directory).open();
  }

  /// Opens what stands at `uri`; its scheme says which engine.
  ///
  /// @throws EngineException if it cannot be reached, or no artifact on the class path serves it
  public static Truce connect(String uri) {
    return builder().connect(URI.create(uri)).open();
  }

  /// A handle on an engine that the caller made and closes.
  public static Truce over(Engine engine) {
    return builder().engine(engine).open();
  }

  /// A root of its own in this JVM's memory.
  public static Truce inMemory() {
    return new Truce(MemoryEngine.create(), true, builder());
  }

  public static Builder builder() {
    return new Builder();
  }

  /// The lock of this name, for writing. Costs nothing; nothing exists before it is acquired.
  ///
  /// @throws IllegalArgumentException if the name is empty, longer than [NamedLock#MAX_NAME] bytes
  ///   in UTF-8, or not well-formed
  public NamedLock lock(String name) {
    return locks.lock(name);
  }

  /// So many permits of one name. Costs nothing; nothing exists before one is acquired.
  ///
  /// @throws IllegalArgumentException if the name is none for a [lock][#lock], or there are not
  ///   from 1 to [Permits#MAX] of them
  public Permits permits(String name, int limit) {
    return locks.permits(name, limit);
  }

  /// Several locks, to be had together or not at all.
  ///
  /// @throws IllegalArgumentException if there is none, or one is of another handle
  public LockSet locks(NamedLock... wanted) {
    return locks.set(List.of(wanted));
  }

  /// The election of this name, which is the lock of this name: one of those who campaign leads.
  ///
  /// @throws IllegalArgumentException as [#lock]
  public Election election(String name) {
    return locks.election(name);
  }

  /// The store of this name. Costs nothing; nothing exists before the first commit.
  ///
  /// @throws IllegalArgumentException if the name is empty, longer than [Store#MAX_NAME] bytes in
  ///   UTF-8, or not well-formed
  public <V> Store<V> store(String name, Codec<V> codec) {
    return stores().store(name, codec);
  }

  /// The same, of bytes.
  public Store<byte[]> store(String name) {
    return store(name, Codec.bytes());
  }

  /// The commits that resolvers have put aside for a person, those that wait first, whatever stores
  /// they want to write to.
  public List<Parked<byte[]>> parked() {
    return stores().parked();
  }

  /// Decides about one of them, key by key, as [Store#resolve(Parked, Resolver)] does in one store;
  /// where nobody is in the way any more, about all that it wanted to write in any store.
  public Commit resolve(Parked<byte[]> shown, Resolver<byte[]> how) {
    return stores().resolve(shown, how);
  }

  /// The same as that store commits: under its [fence][Store#withFence], with its durability, by
  /// its id. Which store that is says nothing of which are written to.
  public Commit resolve(Parked<byte[]> shown, Store<byte[]> as, Resolver<byte[]> how) {
    return stores().resolve(shown, as, how);
  }

  /// How the stores stand: what is in them, how far back one can look, and who keeps what. Goes
  /// through all keys.
  public StoreStatus storeStatus() {
    return stores().status();
  }

  /// Made when it is first asked for: who wants locks alone pays for nothing else.
  private synchronized Stores stores() {
    Stores known = stores;
    if (known == null) {
      known =
          Stores.over(
              engine,
              owner,
              locks::bind,
              UUID::randomUUID,
              InstantSource.system(),
              work -> Thread.ofPlatform().daemon().name("truce-checkpoint").start(work),
              locks.member(),
              locks.isListening() ? locks::tell : null);
      stores = known;
    }
    return known;
  }

  private synchronized void closeStores() {
    if (stores != null) {
      stores.close();
    }
  }

  /// The lease that this [handle][Lease#handle()] entitles to, whoever took it. Asks nobody whether
  /// it still stands.
  ///
  /// @throws IllegalArgumentException if the handle was mistyped
  public Lease lease(String handle) {
    return locks.lease(handle);
  }

  /// What was decided about locks: the leases, and what ended without its holder's doing.
  public History history() {
    return locks.history();
  }

  /// All locks that somebody holds or waits for now, by name.
  public List<LockStatus> status() {
    return locks.status();
  }

  /// Who holds something and waits for something, now: what lies behind a lock that does not come
  /// free.
  public List<LockWait> waits() {
    return locks.allWaits();
  }

  /// What each lock has done whose name is not forgotten, by name.
  public List<LockStatistics> statistics() {
    return locks.allStatistics();
  }

  /// What was done with the locks whose traffic is
  /// [recorded][dev.truce.lock.NamedLock#recordTraffic].
  ///
  /// @throws EngineException if a newer release recorded it, or the record is damaged
  public Traffic traffic() {
    return locks.traffic();
  }

  /// [Closes][dev.truce.lock.Candidacy#close()] the candidacies, refuses new work, refuses those
  /// who wait, and gives back what is held; leases stand. A commit that is on its way may have
  /// landed all the same, and says so: [OutcomeUnknownException]. Idempotent.
  @Override
  public void close() {
    closeStores();
    locks.close();
    if (ownsEngine) {
      engine.close();
    }
  }

  /// How a handle is to be opened. Not for several threads at once.
  public static final class Builder {
    private @Nullable Engine engine;
    private @Nullable URI place;
    private @Nullable String within;
    private String owner = System.getProperty("user.name", "somebody");
    private int maxWaiters = 100;
    private DeadlockPolicy deadlocks = DeadlockPolicy.LOWEST_PRIORITY;
    private boolean measuring = true;
    private final List<TruceListener> listeners = new ArrayList<>(0);
    private @Nullable String host;
    private long pid = ProcessHandle.current().pid();

    private Builder() {}

    /// The directory to open, created if there is none.
    public Builder directory(Path directory) {
      return connect(directory.toUri());
    }

    /// The place to open.
    public Builder connect(URI newPlace) {
      place = newPlace;
      return this;
    }

    /// The engine to use, which the caller closes.
    public Builder engine(Engine newEngine) {
      engine = newEngine;
      return this;
    }

    /// What this handle calls itself to others; the user's name unless told otherwise.
    public Builder owner(String newOwner) {
      owner = Objects.requireNonNull(newOwner);
      return this;
    }

    /// The process to show to others, where that is not this one.
    public Builder pid(long newPid) {
      pid = newPid;
      return this;
    }

    /// The machine's name to show to others; what the system says unless told otherwise.
    public Builder host(String newHost) {
      host = newHost;
      return this;
    }

    /// How many processes and tickets may wait for one lock; 100 unless told otherwise. One more is
    /// refused.
    public Builder maxWaiters(int newMaxWaiters) {
      maxWaiters = newMaxWaiters;
      return this;
    }

    /// Who gives way when some wait for each other in a ring, with
    /// [dev.truce.lock.DeadlockException]; [DeadlockPolicy#LOWEST_PRIORITY] unless told otherwise.
    /// Not seen is what futures wait for and what they were granted, what is leased, and what was
    /// [handed over][dev.truce.lock.Grant#handOver()].
    public Builder onDeadlock(DeadlockPolicy policy) {
      deadlocks = Objects.requireNonNull(policy);
      return this;
    }

    /// The [id][dev.truce.lock.Grant#id()] of a grant under which this process was started: what
    /// its owner and that owner's ancestors hold is gone through, siblings one at a time. Ignored
    /// when it is no longer live.
    public Builder within(String grantId) {
      within = grantId;
      return this;
    }

    /// Whether this handle measures waits and holds and remembers operations, for
    /// [LockStatistics][dev.truce.lock.LockStatistics]; it does unless told otherwise. The exact
    /// counters move in any case.
    public Builder measuring(boolean whether) {
      measuring = whether;
      return this;
    }

    /// Has a listener told what this handle does and sees, beside those that were added before.
    public Builder listener(TruceListener added) {
      listeners.add(Objects.requireNonNull(added));
      return this;
    }

    public Truce open() {
      if (engine != null) {
        return new Truce(engine, false, this);
      }
      if (place == null) {
        throw new IllegalStateException("say where: directory(..), connect(..) or engine(..)");
      }
      Engine found = find(place);
      try {
        return new Truce(found, true, this);
      } catch (RuntimeException | Error failure) {
        found.close();
        throw failure;
      }
    }

    private static Engine find(URI place) {
      for (EngineProvider provider : ServiceLoader.load(EngineProvider.class)) {
        Optional<Engine> engine = provider.connect(place);
        if (engine.isPresent()) {
          return engine.get();
        }
      }
      throw new EngineException(
          EngineException.Kind.CONFIGURATION,
          "nothing on the class path serves "
              + place.getScheme()
              + ": add the artifact "
              + artifact(place.getScheme()));
    }

    private static String artifact(@Nullable String scheme) {
      return switch (scheme == null ? "" : scheme) {
        case "file", "" -> "dev.truce:truce-file";
        case "postgresql" -> "dev.truce:truce-postgres";
        case "redis", "rediss" -> "dev.truce:truce-redis";
        default -> "dev.truce:truce-" + scheme;
      };
    }

    private Owner describe() {
      return new Owner(owner, host == null ? systemHost() : host, pid);
    }

    private static String systemHost() {
      try {
        return InetAddress.getLocalHost().getHostName();
      } catch (UnknownHostException unnamed) {
        return "localhost";
      }
    }
  }
}
