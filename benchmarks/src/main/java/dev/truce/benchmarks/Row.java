package dev.truce.benchmarks;

import java.io.IOException;
import java.util.List;

/// One row of the table: something that Truce does, beside the peers that do the like.
interface Row {
  String name();

  /// Measures it now; a row runs alone.
  List<Comparison> measure(Workshop workshop) throws IOException, InterruptedException;
}
