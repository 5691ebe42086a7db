"""Mistakes of adding up to plant: copies that overwrite one another; a norm averaged over the wrong axes."""

import torch

from utils.crosscheck.finding import axes_sets, axes_words
from utils.crosscheck.suspects.plants import Plant, instead, is_plain, reach_of, rescaled, sites
from utils.crosscheck.suspects.recording import is_live

COPIES = {"getitem", "embedding", "index_select", "gather", "take", "take_along_dim", "unfold", "repeat", "expand", "expand_as", "repeat_interleave"}


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
            kind, words = reading(recording, step, which)
            parts = [
                instead(s, s.edges[0], lambda s=s, o=o, which=which: assigning(s, o, which))
                for s, o in zip(site.steps, origins)
            ]
            yield Plant(kind, words, parts, reach_of(recording, [s.edges[0] for s in site.steps]))


def reading(recording, step, which):
    """(kind, sentence) for a step that reads some places more than once."""
    source = recording.words(step.edges[0].source)
    ids = [recording.names[id(a)] for a in step.arguments.values() if id(a) in recording.names and not is_live(a)]
    if ids:
        return "repeated ids", lambda: (
            f"overwritten where it should be added up: {ids[0]} names some places of {source} more than once, "
            f"and only the {which} one counts"
        )
    return "overwritten", lambda: (
        f"overwritten where it should be added up: {source} is read more than once in some places, "
        f"and only the {which} reading counts there"
    )


def origin(step):
    """For each output element the place of the input that it copies; a list."""
    edge = step.edges[0]
    places = torch.arange(edge.source.numel(), dtype=edge.source.dtype).reshape(edge.source.shape)
    return step.call(step.arguments | {edge.slot: places}).long().flatten().tolist()


def assigning(step, origins, which):
    order = range(len(origins)) if which == "last" else reversed(range(len(origins)))
    winner = {}
    for k in order:
        winner[origins[k]] = k
    places, winners = torch.tensor(list(winner)), torch.tensor(list(winner.values()))
    source = step.edges[0].source

    def rule(g):
        found = torch.zeros(source.numel(), dtype=g.dtype)
        found[places] = g.flatten()[winners]
        return found.reshape(source.shape)

    return rule


# ---- norms


def wrong_averages(recording):
    """The two averages in the gradient of a norm over other axes than its own, or as sums."""
    for site in sites(recording):
        x_hat = site.first.output
        if not hasattr(x_hat, "normalized"):
            continue
        x, axes, inv_std = x_hat.normalized
        axes = tuple(sorted(a % x.ndim for a in axes))
        edges = [e for e in recording.consumers.get(id(x), []) if getattr(e.step.output, "label", "") in INSIDE]
        if len(edges) != 2:
            continue
        for others in [axes, *axes_sets(x.ndim)]:
            for total in (False, True):
                if others == axes and not total:
                    continue
                yield average(recording, x_hat.detach(), inv_std.detach(), site.first, edges, axes, others, total)


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
