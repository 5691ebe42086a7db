"""Which settings of an explorable are drawn in advance, so that it lives without a kernel."""

import itertools
import math


def frame_key(state) -> str:
    """The name of a setting's frame; explorable.js builds the same."""
    return ",".join(
        ":".join(map(str, wire)) if isinstance(wire, list) else str(wire) for wire in state.values()
    )


def baked_states(controls, start, presets, max_frames) -> list[dict]:
    """At most `max_frames` settings to draw in advance, the most important first.

    All of them where they are few enough. Else the start and the presets, then each control moved alone away from the
    start, then away from each preset; what does not fit is thinned evenly.
    """
    wires = {name: control.prepared() for name, control in controls.items()}
    if math.prod(map(len, wires.values())) <= max_frames and not any(is_array(state) for state in presets):
        return [dict(zip(wires, state)) for state in itertools.product(*wires.values())]
    anchors = [start, *presets]
    chosen = {frame_key(state): state for state in anchors}
    if len(chosen) > max_frames:
        needed = f"{len(chosen)} (the start and the presets)"
        raise ValueError(f"max_frames: expected at least {needed}, got {max_frames}")
    for anchor in anchors:
        share = min(1, (max_frames - len(chosen)) / sum(map(len, wires.values())))
        for name, all_of_it in wires.items():
            for k in _spread(len(all_of_it), math.floor(len(all_of_it) * share)):
                state = anchor if isinstance(anchor[name], list) else anchor | {name: all_of_it[k]}
                chosen.setdefault(frame_key(state), state)
    return list(chosen.values())


def is_array(state):
    """True for a state that sets numbers to drag, of which no grid can hold all settings."""
    return any(isinstance(wire, list) for wire in state.values())


def _spread(size, count):
    """`count` positions out of `size`, evenly spread, the ends included."""
    return [round(k * (size - 1) / max(count - 1, 1)) for k in range(count)]
