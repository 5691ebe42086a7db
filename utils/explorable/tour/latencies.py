"""How fast an explorable answers, against the bars of the design."""

import statistics
from dataclasses import dataclass, field

# what: for marks, for scenes; milliseconds (median, 95th percentile)
BARS = {"live": {"marks": (30, 60), "scene": (60, 120)}, "baked": (10, 10), "hover": (10, 10)}
PICTURES = 30  # a second, while dragging


@dataclass
class Times:
    """Milliseconds of one explorable, and pictures a second.

    live: from a key press to the paint of what the kernel has answered;  baked: to the changed page where the picture
    was there already;  hover: from the pointer's event to the changed page;  dragging: pictures a second, or None.
    """

    live: list = field(default_factory=list)
    baked: list = field(default_factory=list)
    hover: list = field(default_factory=list)
    dragging: float | None = None

    def note(self, seen):
        """A key press, as operating.js measures it: {"changed", "painted", "live"}, or None where nothing changed."""
        if seen:
            (self.live if seen["live"] else self.baked).append(seen["painted" if seen["live"] else "changed"])


def median_and_95th(times):
    """Of a list of milliseconds; None where it is empty."""
    if not times:
        return None
    at = sorted(times)
    return statistics.median(at), at[min(len(at) - 1, int(0.95 * len(at)))]


def row(kind, times):
    """[(words, within the bars or None)] of one explorable: live, baked, hover, pictures a second."""
    cells = []
    for what in ("live", "baked", "hover"):
        bars = BARS[what][kind] if what == "live" else BARS[what]
        found = median_and_95th(getattr(times, what))
        good = found and all(time < bar for time, bar in zip(found, bars))
        cells.append((f"{found[0]:.0f} / {found[1]:.0f}", good) if found else ("", None))
    rate = times.dragging
    return [*cells, ("", None) if rate is None else (f"{rate:.0f}", rate >= PICTURES)]
