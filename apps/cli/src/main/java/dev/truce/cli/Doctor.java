package dev.truce.cli;

import dev.truce.file.FileEngine;
import dev.truce.file.FileEngine.Examination;
import dev.truce.file.FileEngine.Participant;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// `truce doctor`: examines a root, or makes a copied one its own.
final class Doctor {
  private static final int WANTING = 1;

  private Doctor() {}

  static int run(Options options, Console console) {
    options.noOperands();
    Path directory = Place.find(options, console).directory();
    boolean json = options.has("json");
    if (options.has("adopt")) {
      long ceiling = FileEngine.adopt(directory);
      console.print(
          json
              ? Json.object()
                  .put("schema", "truce.adoption/1")
                  .put("dir", directory.toString())
                  .put("ceiling", ceiling)
                  .toString()
              : Text.shown(directory.toString())
                  + " is a root of its own now, tokens above "
                  + ceiling);
      return 0;
    }
    Examination found = FileEngine.examine(directory);
    if (json) {
      console.print(json(found));
    } else {
      lines(found).forEach(console::print);
    }
    return found.findings().isEmpty() ? 0 : WANTING;
  }

  private static String json(Examination found) {
    List<Json> members = new ArrayList<>();
    for (Participant member : found.members()) {
      members.add(
          Json.object()
              .put("member", member.member())
              .put("alive", member.alive())
              .put("pid", member.pid()));
    }
    return Json.object()
        .put("schema", "truce.examination/1")
        .put("sound", found.findings().isEmpty())
        .put("dir", found.directory().toString())
        .put("file_system", found.fileSystem())
        .put("root", found.root())
        .put("format", found.format())
        .put("ceiling", found.ceiling())
        .put("drawn", found.drawn())
        .put("cells", found.cells())
        .put("bytes", found.bytes())
        .put("members", members)
        .putTexts("findings", found.findings())
        .toString();
  }

  private static List<String> lines(Examination found) {
    long dead = found.members().stream().filter(member -> !member.alive()).count();
    List<String> lines = new ArrayList<>();
    lines.add(
        Text.shown(found.directory().toString())
            + " on "
            + found.fileSystem()
            + ", format "
            + found.format()
            + ", "
            + found.bytes()
            + " bytes");
    lines.add(
        found.members().size()
            - dead
            + " take part"
            + (dead == 0 ? "" : ", " + dead + " dead not swept yet")
            + "; "
            + found.cells()
            + " cells, last number "
            + found.drawn()
            + " of "
            + found.ceiling()
            + " reserved");
    for (String finding : found.findings()) {
      lines.add("wanting: " + Text.shown(finding));
    }
    if (found.findings().isEmpty()) {
      lines.add("sound");
    }
    return lines;
  }
}
