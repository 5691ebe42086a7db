"""Which settings of an explorable are drawn in advance, so that it lives without a kernel."""

import itertools
import math


def frame_key(state) -> str:
    """The name of a setting's frame; explorable.js builds the same."""
    return ",".join(str(wire) for wire in state.values())


def baked_states(controls, start, presets, max_frames) -> list[dict]:
    """At most `max_frames` settings to draw in advance, the most important first.

    All of them where they are few enough. Else the start and the presets, then each control moved alone away from the
    start, then away from each preset; what does not fit is thinned evenly.
    """
    sizes = {name: len(control.values) for name, control in controls.items()}
    if math.prod(sizes.values()) <= max_frames:
        grid = itertools.product(*map(range, sizes.values()))
        return [dict(zip(sizes, state)) for state in grid]
    anchors = [start, *presets]
    chosen = {frame_key(state): state for state in anchors}
    if len(chosen) > max_frames:
        needed = f"{len(chosen)} (the start and the presets)"
        raise ValueError(f"max_frames: expected at least {needed}, got {max_frames}")
    for anchor in anchors:
        share = min(1, (max_frames - len(chosen)) / sum(sizes.values()))
        for name, size in sizes.items():
            for wire in _spread(size, math.floor(size * share)):
                state = anchor | {name: wire}
                chosen.setdefault(frame_key(state), state)
    return list(chosen.values())


def _spread(size, count):
    """`count` positions out of `size`, evenly spread, the ends included."""
    return [round(k * (size - 1) / max(count - 1, 1)) for k in range(count)]
