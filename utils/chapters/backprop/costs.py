"""What differentiating a layered network costs, in multiplications by a slope: counted, not estimated."""

import math


def edges(widths):
    """Connections of a network whose layers have these widths, each unit joined to all of the next layer."""
    return sum(a * b for a, b in zip(widths, widths[1:]))


def costs(widths):
    """Multiplications for all derivatives of the outputs with respect to the inputs: eq. (1.9).

    widths: units per layer, inputs first, outputs last.  Returns a dict: paths, how many ways lead
    from an input to an output; "path by path", each path multiplied out; "forward mode", one sweep
    an input; "reverse mode", one sweep an output.  ValueError for fewer than two layers.
    """
    if len(widths) < 2 or min(widths) < 1:
        raise ValueError(f"widths must be at least two positive numbers; got {widths}")
    paths = math.prod(widths)
    return {
        "paths": paths,
        "path by path": paths * (len(widths) - 1),
        "forward mode": widths[0] * edges(widths),
        "reverse mode": widths[-1] * edges(widths),
    }


def visits(widths, remember):
    """Edges visited while the derivative of the output with respect to the first input is worked out.

    remember: keep what a unit's derivative was once it is known (a table), or work it out anew for
    every path that passes.  Returns a count.  ValueError when it passes a million.
    """
    table, count = {}, 0

    def derivative(layer, unit):
        nonlocal count
        if layer == len(widths) - 1:
            return 1.0
        if remember and (layer, unit) in table:
            return table[layer, unit]
        total = 0.0
        for following in range(widths[layer + 1]):
            count += 1
            if count > 1_000_000:
                raise ValueError(f"widths {widths} mean more than a million visits; expected fewer")
            total += derivative(layer + 1, following)
        table[layer, unit] = total
        return total

    derivative(0, 0)
    return count
