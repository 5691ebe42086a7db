"""Mistakes of adding up to plant: copies that overwrite one another; a norm averaged over the wrong axes."""

import numpy as np
import torch

from utils.crosscheck.finding import axes_sets, axes_words
from utils.crosscheck.suspects.plants import Plant, instead, is_plain, reach_of, rescaled, sites
from utils.crosscheck.suspects.recording import is_live

COPIES = {
    "getitem",
    "embedding",
    "index_select",
    "gather",
    "take",
    "take_along_dim",
    "unfold",
    "repeat",
    "expand",
    "expand_as",
    "repeat_interleave",
}


def overwriting(recording):
    """Steps that read some places more than once: on the way back only one reading counts."""
    for site in sites(recording):
        step = site.first
        if site.name not in COPIES or not is_plain(step) or len(step.edges) != 1:
            continue
        origins = [origin(s) for s in site.steps]
        if all(len(o) == len(set(o)) for o in origins):
            continue
        for which in ("last", "first"):
            for alive in (False, True):
                kind, words = reading(recording, step, which)
                parts = [
                    instead(
                        s,
                        s.edges[0],
                        lambda s=s, o=o, which=which, alive=alive: assigning(s, o, which, alive),
                    )
                    for s, o in zip(site.steps, origins)
                ]
                yield Plant(kind, words, parts, reach_of(recording, [s.edges[0] for s in site.steps]))


def reading(recording, step, which):
    """(kind, sentence) for a step that reads some places more than once."""
    source = recording.words(step.edges[0].source)
    ids = [
        recording.names[id(a)] for a in step.arguments.values() if id(a) in recording.names and not is_live(a)
    ]
    if ids:
        return (
            "repeated ids",
            lambda: (
                f"overwritten where it should be added up: {ids[0]} names some places of {source} more than once, "
                f"and only the {which} one counts"
            ),
        )
    return (
        "overwritten",
        lambda: (
            f"overwritten where it should be added up: {source} is read more than once in some places, "
            f"and only the {which} reading counts there"
        ),
    )


def origin(step):
    """For each output element the place of the input that it copies; a list."""
    edge = step.edges[0]
    places = torch.arange(edge.source.numel(), dtype=edge.source.dtype).reshape(edge.source.shape)
    return step.call(step.arguments | {edge.slot: places}).long().flatten().tolist()


def assigning(step, origins, which, alive):
    """A rule that writes gradients to their places one over the other; alive: only those that are not zero."""
    source, places = step.edges[0].source, np.array(origins)

    def rule(g):
        given = g.numpy().ravel()
        chosen = np.flatnonzero(given) if alive else np.arange(len(given))
        chosen = chosen if which == "last" else chosen[::-1]
        found = np.zeros(source.numel(), dtype=given.dtype)
        found[places[chosen]] = given[chosen]
        return torch.from_numpy(found).reshape(source.shape)

    return rule


# ---- broadcasting and running sums


def narrowed(recording):
    """What was broadcast into a step gets one contribution, or their mean, in place of the sum."""
    for site in sites(recording):
        step = site.first
        if not is_plain(step) or site.name not in (
            "add",
            "radd",
            "iadd",
            "sub",
            "mul",
            "rmul",
            "div",
            "truediv",
        ):
            continue
        for k, edge in enumerate(step.edges):
            axes = broadcast_axes(edge.source.shape, step.output.shape)
            if not axes:
                continue
            for which, made in (("last", -1), ("first", 0), ("mean", None)):
                words = lambda edge=edge, which=which, axes=axes: narrow_words(recording, edge, which, axes)
                parts = [
                    instead(
                        s,
                        s.edges[k],
                        lambda s=s, k=k, axes=axes, made=made: narrow(s, s.edges[k], axes, made),
                    )
                    for s in site.steps
                ]
                yield Plant("broadcast", words, parts, reach_of(recording, [s.edges[k] for s in site.steps]))


def broadcast_axes(small, large):
    """The axes of `large` along which something of shape `small` was repeated."""
    padded = (1,) * (len(large) - len(small)) + tuple(small)
    return [a for a, (m, n) in enumerate(zip(padded, large)) if m == 1 and n > 1]


def narrow(step, edge, axes, made):
    wide = edge.source.detach().expand(step.output.shape)

    def rule(g):
        values = {s: a.detach() if isinstance(a, torch.Tensor) else a for s, a in step.arguments.items()}
        values[edge.slot] = wide.clone().requires_grad_()
        with torch.enable_grad():
            (full,) = torch.autograd.grad(step.call(values), values[edge.slot], g)
        if made is None:
            return full.mean(axes, keepdim=True).reshape(edge.source.shape)
        first, *others = axes
        kept = full.select(first, made).unsqueeze(first)
        return (kept.sum(others, keepdim=True) if others else kept).reshape(edge.source.shape)

    return rule


def narrow_words(recording, edge, which, axes):
    name = recording.words(edge.source)
    if which == "mean":
        return f"the gradient of {name} is averaged over {axes_words(axes)}, where it was broadcast; it must be summed"
    return f"the gradient of {name} must be summed over {axes_words(axes)}, where it was broadcast; only the {which} counts"


def wrong_running_sums(recording):
    rules = (
        ("is summed from the wrong end", lambda g, a: g.cumsum(a)),
        ("is forgotten", lambda g, a: g),
        ("leaves out the element itself", lambda g, a: g.flip(a).cumsum(a).flip(a) - g),
        ("gives every element the sum of all", lambda g, a: g.sum(a, keepdim=True).expand_as(g)),
    )
    for site in sites(recording):
        if site.name != "cumsum" or not is_plain(site.first):
            continue
        axis = next((a for a in site.first.arguments.values() if isinstance(a, int)), None)
        for words, rule in rules if axis is not None else ():
            sentence = lambda words=words, site=site: (
                f"the way back through the running sum in {recording.words(site.first.output)} {words}"
            )
            parts = [
                instead(s, s.edges[0], lambda rule=rule, axis=axis: lambda g: rule(g, axis))
                for s in site.steps
            ]
            yield Plant("running sum", sentence, parts, reach_of(recording, [s.edges[0] for s in site.steps]))


# ---- norms


def wrong_averages(recording):
    """The two averages in the gradient of a norm over other axes than its own, or as sums."""
    for site in sites(recording):
        x_hat = site.first.output
        if not hasattr(x_hat, "normalized"):
            continue
        x, axes, inv_std = x_hat.normalized
        axes = tuple(sorted(a % x.ndim for a in axes))
        edges = [
            e for e in recording.consumers.get(id(x), []) if getattr(e.step.output, "label", "") in INSIDE
        ]
        if len(edges) != 2:
            continue
        for others in [axes, *axes_sets(x.ndim)]:
            for total in (False, True):
                if others == axes and not total:
                    continue
                yield average(
                    recording, x_hat.detach(), inv_std.detach(), site.first, edges, axes, others, total
                )


INSIDE = ("the mean", "the centred input")


def average(recording, x_hat, inv_std, step, edges, axes, others, total):
    mean = lambda a: a.sum(others, keepdim=True) if total else a.mean(others, keepdim=True)
    rule = lambda g: inv_std * (g - mean(g) - x_hat * mean(g * x_hat))
    into_mean, straight = sorted(edges, key=lambda e: e.step.number)
    parts = [instead(step, straight, lambda: rule), *rescaled([into_mean], 0.0)]
    if others == axes:
        words = f"in the norm's gradient sums over {axes_words(axes)} stand where means belong"
    else:
        kind = "sums" if total else "averages"
        words = f"in the norm's gradient the {kind} go over {axes_words(others)}, and should over {axes_words(axes)}"
    return Plant("axis", lambda: words, parts, reach_of(recording, edges))
