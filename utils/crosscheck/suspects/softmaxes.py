"""Wrong Jacobians of softmax and log-softmax to plant."""

from functools import partial

from utils.crosscheck.suspects.plants import swapped


def wrong_softmaxes(recording):
    for site in recording.plain(RULES):
        for steps, which in site.groups():
            place = recording.words(site.first.output) + which
            for kind, text, rule in RULES[site.name]:
                yield swapped(
                    recording, kind, text, (place,), [s.edges[0] for s in steps], partial(bound, rule)
                )


def bound(rule, edge, g):
    """The rule with a step's probabilities p, its output y, and s, the sum over its axis."""
    y = edge.step.output.detach()
    p = y if edge.step.name == "softmax" else y.exp()
    axis = -1 if edge.step.axis is None else edge.step.axis
    return rule(g, p, y, lambda a: a.sum(axis, keepdim=True))


def jacobian(g, p, s):
    """Softmax's pullback."""
    return p * (g - s(g * p))


RULES = {
    "softmax": [
        ("diagonal", "only the diagonal of the softmax's Jacobian in {}, p * (1 - p): each score moves the others too",
         lambda g, p, y, s: p * (1 - p) * g),
        ("total path", "in the softmax of {} the path through the sum that divides is missing: p * g in place of p * (g - sum(g * p))",
         lambda g, p, y, s: p * g),
        ("derivative forgotten", "the derivative of the softmax in {} is forgotten",
         lambda g, p, y, s: g),
        ("softmax", "in the softmax of {} the factor p before the bracket is missing: p * (g - sum(g * p))",
         lambda g, p, y, s: g - s(g * p)),
        ("softmax", "in the softmax of {} the sum in the bracket lacks its p: p * (g - sum(g * p))",
         lambda g, p, y, s: p * (g - s(g))),
        ("softmax", "the softmax in {} gets the derivative of log-softmax",
         lambda g, p, y, s: g - p * s(g)),
        ("derivative twice", "the derivative of the softmax in {} is applied twice",
         lambda g, p, y, s: jacobian(jacobian(g, p, s), p, s)),
        ("sign", "in the softmax of {} the sum in the bracket has the wrong sign: p * (g - sum(g * p))",
         lambda g, p, y, s: p * (g + s(g * p))),
        ("axis", "in the softmax of {} the sum in the bracket goes over all axes, not over that of the softmax alone",
         lambda g, p, y, s: p * (g - (g * p).sum())),
        ("axis", "in the softmax of {} the sum in the bracket goes over axis 0, the wrong one",
         lambda g, p, y, s: p * (g - (g * p).sum(0, keepdim=True))),
        ("softmax", "in the softmax of {} a mean stands in the bracket where the sum belongs: p * (g - sum(g * p))",
         lambda g, p, y, s: p * (g - s(g * p) / s(p * 0 + 1))),
    ],
    "log_softmax": [
        ("log-softmax", "the log-softmax in {} gets the derivative of softmax",
         lambda g, p, y, s: jacobian(g, p, s)),
        ("log-softmax", "the log-softmax in {} gets the derivative of softmax, with its own output for the probabilities",
         lambda g, p, y, s: jacobian(g, y, s)),
        ("derivative forgotten", "the derivative of the log-softmax in {} is forgotten",
         lambda g, p, y, s: g),
        ("diagonal", "only the diagonal of the log-softmax's Jacobian in {}, 1 - p: each score moves the others too",
         lambda g, p, y, s: g * (1 - p)),
        ("log-softmax", "in the log-softmax of {} the sum is missing: g - p * sum(g), not g - p * g",
         lambda g, p, y, s: g - p * g),
        ("log-softmax", "in the log-softmax of {} the p is missing: g - p * sum(g), not g - sum(g)",
         lambda g, p, y, s: g - s(g)),
        ("derivative twice", "behind the log-softmax in {} softmax's derivative is applied once more",
         lambda g, p, y, s: jacobian(g - p * s(g), p, s)),
        ("derivative twice", "behind the log-softmax in {} the derivative p * (1 - p) is applied once more",
         lambda g, p, y, s: p * (1 - p) * (g - p * s(g))),
        ("sign", "the log-softmax in {} adds p * sum(g) where it must subtract it",
         lambda g, p, y, s: g + p * s(g)),
        ("log-softmax", "the log-softmax in {} keeps p * sum(g) alone, with the wrong sign",
         lambda g, p, y, s: p * s(g)),
        ("log-softmax", "in the log-softmax of {} g itself is missing: g - p * sum(g) (after a cross-entropy: p - target)",
         lambda g, p, y, s: -p * s(g)),
        ("log-softmax", "in the log-softmax of {} a mean stands where the sum belongs: g - p * sum(g)",
         lambda g, p, y, s: g - p * s(g) / s(p * 0 + 1)),
        ("axis", "in the log-softmax of {} the sum goes over axis 0, the wrong one: g - p * sum(g)",
         lambda g, p, y, s: g - p * g.sum(0, keepdim=True)),
        ("axis", "in the log-softmax of {} the sum goes over all axes, not over that of the softmax alone",
         lambda g, p, y, s: g - p * g.sum()),
    ],
}  # fmt: skip
