package dev.truce.cli;

import dev.truce.Fence;
import java.util.ArrayList;
import java.util.List;

/// `truce index ...`: finds the root and hands the call on to the index, an application of the
/// store that no other verb has on its class path.
final class Indexing {
  private static final String INDEX = "dev.truce.index.Index";
  private static final int MAX_WRITERS = 64;

  private Indexing() {}

  static int run(Options options, Console console) {
    options.number("writers", 1, MAX_WRITERS, 1);
    Place place = Place.find(options, console);
    List<String> call = new ArrayList<>();
    call.add(place.directory().toString());
    call.add(place.named() ? "make" : "look");
    call.add(console.directory().toString());
    call.add(options.verb().word().substring("index ".length()));
    call.add("--owner=" + Acquire.owner(options, console));
    if (options.verb().flag("no-fence") != null && !options.has("no-fence")) {
      Fence fence = Grants.fence(place, console);
      if (fence != null) {
        fence.tokens().forEach((lock, token) -> call.add("@" + token + ":" + lock));
      }
    }
    for (Options.Given given : options.given()) {
      if (!given.flag().isEmpty()) {
        call.add("--" + given.flag() + "=" + given.value());
      }
    }
    call.add("--");
    call.addAll(options.operands());
    return Elsewhere.run(INDEX, call, console);
  }
}
