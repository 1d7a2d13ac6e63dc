package dev.truce.index;

import java.util.List;

/// What was asked for is refused, and nothing of it was written: doing the same again does not
/// help.
final class Refused extends RuntimeException {
  private static final long serialVersionUID = 1L;
  private static final int SHOWN = 10;

  Refused(List<String> reasons) {
    super(said(reasons), null, false, false);
  }

  private static String said(List<String> reasons) {
    int left = reasons.size() - SHOWN;
    return String.join("; ", reasons.subList(0, Math.min(SHOWN, reasons.size())))
        + (left > 0 ? "; and " + left + " more" : "")
        + "; nothing was written";
  }
}
