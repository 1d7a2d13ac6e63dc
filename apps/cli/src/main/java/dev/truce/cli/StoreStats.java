package dev.truce.cli;

import dev.truce.Truce;
import dev.truce.store.StoreStatus;
import dev.truce.store.StoreStatus.Named;
import dev.truce.store.StoreStatus.Pin;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// `truce store stats`, and `truce store ls` without a store: which stores there are, how much is
/// in them, how far back one can look, and who keeps what.
final class StoreStats {
  private static final List<String> TITLES = List.of("STORE", "KEYS", "BYTES", "REVISION");
  private static final List<String> PIN_TITLES =
      List.of("READ BY", "REVISION", "BYTES", "REPLACED");

  private StoreStats() {}

  // ---- ls

  /// The stores of the root.
  static int list(Options options, Console console) {
    if (options.has("at")) {
      throw Failure.usage(options.verb(), "--at is for the keys of a STORE");
    }
    StoreCall call = StoreCall.of(options, console, 0);
    long most = options.number("count", 1, Integer.MAX_VALUE, Integer.MAX_VALUE);
    StoreStatus status;
    try (Truce truce = call.open()) {
      status = truce.storeStatus();
    }
    List<Named> all = status.stores();
    List<Named> stores = all.subList(0, (int) Math.min(all.size(), most));
    if (call.json()) {
      console.print(
          Json.object()
              .put("schema", "truce.stores/1")
              .put("revision", status.revision())
              .put("stores", json(stores))
              .put("more", stores.size() < all.size())
              .toString());
    } else if (options.has("keys")) {
      stores.forEach(store -> console.print(Text.shown(store.name())));
    } else {
      table(stores).forEach(console::print);
    }
    return 0;
  }

  private static List<Json> json(List<Named> stores) {
    List<Json> all = new ArrayList<>();
    for (Named store : stores) {
      all.add(
          Json.object()
              .put("store", store.name())
              .put("keys", store.keys())
              .put("bytes", store.bytes())
              .put("revision", store.revision()));
    }
    return all;
  }

  private static List<String> table(List<Named> stores) {
    List<List<String>> rows = new ArrayList<>();
    for (Named store : stores) {
      rows.add(
          List.of(
              Text.shown(store.name()),
              Long.toString(store.keys()),
              Long.toString(store.bytes()),
              Long.toString(store.revision())));
    }
    return Table.of(TITLES, rows, 1);
  }

  // ---- stats

  static int run(Options options, Console console) {
    StoreCall call = StoreCall.of(options, console, 0, "STORE");
    StoreStatus status;
    long parked;
    try (Truce truce = call.open()) {
      status = truce.storeStatus();
      parked = truce.parked().stream().filter(each -> each.decision().isEmpty()).count();
    }
    List<Named> stores = of(status, call.operand(0));
    if (call.json()) {
      console.print(json(status, stores, parked));
    } else {
      table(stores).forEach(console::print);
      console.print("");
      lines(status, parked).forEach(console::print);
    }
    return 0;
  }

  /// All of them, or the one that is called so.
  private static List<Named> of(StoreStatus status, @Nullable String name) {
    return name == null
        ? status.stores()
        : status.stores().stream().filter(store -> store.name().equals(name)).toList();
  }

  private static List<String> lines(StoreStatus status, long parked) {
    List<String> lines = new ArrayList<>();
    lines.add("revision " + status.revision() + ", on disk up to " + status.durable());
    lines.add(
        status.floor() == 0
            ? "every revision can be had; commits: " + status.recordBytes() + " bytes"
            : "revisions from "
                + status.floor()
                + " on can be had; checkpoint: "
                + status.checkpointBytes()
                + " bytes, commits behind it: "
                + status.recordBytes()
                + " bytes");
    if (parked > 0) {
      lines.add(parked + " put aside, waiting for somebody to decide: see truce store conflict ls");
    }
    if (!status.pins().isEmpty()) {
      lines.add("older checkpoints that are still read, and take disk until they are not:");
      lines.addAll(pins(status.pins()));
    }
    return lines;
  }

  private static List<String> pins(List<Pin> pins) {
    List<List<String>> rows = new ArrayList<>();
    for (Pin pin : pins) {
      rows.add(
          List.of(
              Text.who(pin.owner()),
              Long.toString(pin.revision()),
              Long.toString(pin.bytes()),
              Text.span(pin.age()) + " ago"));
    }
    return Table.of(PIN_TITLES, rows, 1);
  }

  private static String json(StoreStatus status, List<Named> stores, long parked) {
    List<Json> pins = new ArrayList<>();
    for (Pin pin : status.pins()) {
      pins.add(
          Holders.owner(pin.owner())
              .put("revision", pin.revision())
              .put("bytes", pin.bytes())
              .put("age_ms", pin.age().toMillis()));
    }
    return Json.object()
        .put("schema", "truce.store_stats/1")
        .put("revision", status.revision())
        .put("durable", status.durable())
        .put("floor", status.floor())
        .put("checkpoint_bytes", status.checkpointBytes())
        .put("record_bytes", status.recordBytes())
        .put("parked", parked)
        .put("stores", json(stores))
        .put("pins", pins)
        .toString();
  }
}
