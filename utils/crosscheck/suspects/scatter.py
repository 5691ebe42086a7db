"""Mistakes of adding up to plant: copies that overwrite one another; a norm averaged over the wrong axes."""

from functools import partial

import numpy as np
import torch

from utils.crosscheck.finding import axes_sets, axes_words
from utils.crosscheck.suspects.plants import Plant, instead, reach_of, rescaled, swapped
from utils.crosscheck.witnesses import is_live

COPIES = {
    "getitem", "embedding", "index_select", "gather", "take", "take_along_dim", "unfold", "repeat", "expand",
    "expand_as", "repeat_interleave",
}  # fmt: skip
BROADCASTS = {"add", "radd", "iadd", "sub", "mul", "rmul", "div", "truediv"}


def overwriting(recording):
    """Steps that read some places more than once: on the way back only one reading counts."""
    for site in recording.plain(COPIES):
        origins = {id(s): origin(s) for s in site.steps if len(s.edges) == 1}
        if all(len(o) == len(set(o)) for o in origins.values()):
            continue
        given = [a for a in site.first.arguments.values() if id(a) in recording.names and not is_live(a)]
        for which in ("last", "first"):
            start = "overwritten where it should be added up: "
            if given:
                kind, text = (
                    "repeated ids",
                    "{} names some places of {} more than once, and only the {} one counts",
                )
            else:
                kind = "overwritten"
                text = "{1} is read more than once in some places, and only the {2} reading counts there"
            things = (
                recording.words(given[0]) if given else "",
                recording.words(site.first.edges[0].source),
                which,
            )
            for alive in (False, True):
                rule = partial(assigned, origins, which == "last", alive)
                yield swapped(recording, kind, start + text, things, site.edges(), rule)


def origin(step):
    """For each output element the place of the input that it copies; a list."""
    edge = step.edges[0]
    places = torch.arange(edge.source.numel(), dtype=edge.source.dtype).reshape(edge.source.shape)
    return step.call(step.arguments | {edge.slot: places}).long().flatten().tolist()


def assigned(origins, last, alive, edge, g):
    """Gradients written to their places one over the other; alive: only those that are not zero."""
    given, places = g.numpy().ravel(), np.array(origins[id(edge.step)])
    chosen = np.flatnonzero(given) if alive else np.arange(len(given))
    chosen = chosen if last else chosen[::-1]
    found = np.zeros(edge.source.numel(), dtype=given.dtype)
    found[places[chosen]] = given[chosen]
    return torch.from_numpy(found).reshape(edge.source.shape)


def narrowed(recording):
    """What was broadcast into a step gets one contribution, or their mean, in place of the sum."""
    for site in recording.plain(BROADCASTS):
        for k, edge in enumerate(site.first.edges):
            large = site.first.output.shape
            small = (1,) * (len(large) - edge.source.ndim) + tuple(edge.source.shape)
            axes = [a for a, (m, n) in enumerate(zip(small, large)) if m == 1 and n > 1]
            over = f"{axes_words(axes)}, where it was broadcast; " if axes else ""
            for which in ("last", "first", "mean") if axes else ():
                text = f"the gradient of {{}} must be summed over {over}only the {which} counts"
                if which == "mean":
                    text = f"the gradient of {{}} is averaged over {over}it must be summed"
                rule = partial(narrow, axes, which)
                yield swapped(
                    recording, "broadcast", text, (recording.words(edge.source),), site.edges(k), rule
                )


def narrow(axes, which, edge, g):
    wide = edge.source.detach().expand(edge.step.output.shape)
    full = edge.step.pull(edge, g, {edge.slot: wide})
    if which == "mean":
        return full.mean(axes, keepdim=True).reshape(edge.source.shape)
    first, *others = axes
    kept = full.select(first, 0 if which == "first" else -1).unsqueeze(first)
    return (kept.sum(others, keepdim=True) if others else kept).reshape(edge.source.shape)


RUNNING = {
    "is summed from the wrong end": lambda g, a: g.cumsum(a),
    "is forgotten": lambda g, a: g,
    "leaves out the element itself": lambda g, a: g.flip(a).cumsum(a).flip(a) - g,
    "gives every element the sum of all": lambda g, a: g.sum(a, keepdim=True).expand_as(g),
}


def wrong_running_sums(recording):
    for site in recording.plain({"cumsum"}):
        for text, made in RUNNING.items():
            rule = lambda e, g, made=made: made(g, e.step.axis)
            text = f"the way back through the running sum in {{}} {text}"
            yield swapped(recording, "running sum", text, (site.first.output,), site.edges(), rule)


# ---- norms

INSIDE = ("the mean", "the centred input")


def wrong_averages(recording):
    """The two averages in the gradient of a norm over other axes than its own, or as sums."""
    for site in recording.sites:
        x_hat = site.first.output
        if not hasattr(x_hat, "normalized"):
            continue
        x, axes, inv_std = x_hat.normalized
        axes = tuple(sorted(a % x.ndim for a in axes))
        edges = [
            e for e in recording.consumers.get(id(x), []) if getattr(e.step.output, "label", "") in INSIDE
        ]
        for others in [axes, *axes_sets(x.ndim)] if len(edges) == 2 else ():
            for total in (False, True) if others != axes else (True,):
                rule = partial(averaged, x_hat.detach(), inv_std.detach(), others, total)
                text = f"sums over {axes_words(axes)} stand where means belong"
                if others != axes:
                    kind = "sums" if total else "averages"
                    text = f"the {kind} go over {axes_words(others)}, and should over {axes_words(axes)}"
                into_mean, straight = sorted(edges, key=lambda e: e.step.number)
                hooks = [*instead(straight, rule, x_hat), *rescaled([into_mean], 0.0)]
                yield Plant("axis", f"in the norm's gradient {text}", (), hooks, reach_of(recording, edges))


def averaged(x_hat, inv_std, axes, total, edge, g):
    mean = lambda a: a.sum(axes, keepdim=True) if total else a.mean(axes, keepdim=True)
    return inv_std * (g - mean(g) - x_hat * mean(g * x_hat))
