"""What a sentence of the diagnosis claims, checked anew: plain facts about the wrong array and the right one.

Each claim is a pattern and a function of (Finding, match) that says whether the claim holds.
"""

import re

import numpy as np

CLOSE = 1e-6


def close(a, b):
    a, b = np.asarray(a), np.asarray(b)
    return a.shape == b.shape and np.abs(a - b).max(initial=0) <= CLOSE * np.abs(b).max(initial=1e-300)


def numbers(text):
    """Of `1`, `0 and 2`, `5 to 9`."""
    ends = re.findall(r"(\d+)(?: to (\d+))?", text)
    return tuple(n for a, b in ends for n in range(int(a), int(b or a) + 1))


def multiple(f, text):
    """ours = c truth, with c as printed in three digits."""
    c = float((f.ours * f.truth).sum() / (f.truth**2).sum())
    return close(f.ours, c * f.truth) and abs(abs(c) - abs(float(text))) <= 6e-3 * abs(c)


def wrong(f):
    return np.abs(f.ours - f.truth) > 1e-7 * np.abs(f.truth).max()


def only_there(f, where, axis, inverted):
    """Wrong places lie in the slices named, and nowhere else (or the other way round)."""
    n = f.truth.shape[axis]
    named = np.isin(np.arange(n), where)
    bad = wrong(f).any(tuple(a for a in range(f.truth.ndim) if a != axis))
    shown = bad if not inverted else ~bad
    return set(np.flatnonzero(named)) <= set(np.flatnonzero(shown))


def listed(f, match, inverted=False):
    return only_there(f, numbers(match[1]), int(match[2]), inverted)


def constant_along(f, match):
    error = f.ours - f.truth
    spread = np.ptp(error, axis=numbers(match[1]))
    return bool(np.max(spread) <= CLOSE * np.abs(error).max())


def count(f, match):
    """`wrong in 3 of 8 rows`."""
    bad = wrong(f)
    if match[3] == "places":
        return (bad.sum(), bad.size) == (int(match[1]), int(match[2]))
    rows = bad.any(1 if match[3] == "rows" else 0)
    return (rows.sum(), len(rows)) == (int(match[1]), int(match[2]))


def named_right(f, match):
    """The gradients that are called right are right."""
    evidence, text = f.evidence, match[0]
    right = set(evidence.right)
    if text == "no gradient is right":
        return not right
    if "other" in text:
        return len(right) == len(evidence.live) - 1
    names = re.findall(r"[\w.\[\]]+", re.sub(r"the gradients? of | (is|are) right|\band\b|\.\.\.", " ", text))
    return set(names) <= right


def of_another(f, match):
    other = dict(f.truths)[match[2]]
    made = (other.sum if match[1] == "sum" else other.mean)(numbers(match[3]))
    return close(f.ours, np.reshape(made, f.truth.shape))


def multiple_of_array(f, match):
    """The error is, slice by slice along the axes, a multiple of x, of x centred and shifted, or of an output."""
    axes = numbers(match[2])
    error, x = f.ours - f.truth, dict(f.outputs).get(match[1], f.x)
    others = [a for a in range(error.ndim) if a not in axes]
    rows = lambda a: a.transpose(*others, *axes).reshape(-1, int(np.prod([a.shape[k] for k in axes])))
    for e, p in zip(rows(error), rows(x)):
        basis = np.stack([p, np.ones_like(p)], 1) if "centred" in match[1] else p[:, None]
        fitted = basis @ np.linalg.lstsq(basis, e, rcond=None)[0]
        if np.abs(e - fitted).max() > CLOSE * np.abs(error).max():
            return False
    return True


def zero_at(f, match):
    at = np.take(f.ours, numbers(match[1]), int(match[2]))
    return not at.any() and np.take(f.truth, numbers(match[1]), int(match[2])).any()


def shifted(f, match):
    step, axes = int(match[1]), numbers(match[2])
    if any(close(f.ours, np.roll(f.truth, s, axes[0])) for s in (step, -step)):
        return True
    cut = lambda first: tuple(
        (slice(step, None) if first else slice(None, -step)) if a in axes else slice(None)
        for a in range(f.truth.ndim)
    )
    return close(f.ours[cut(True)], f.truth[cut(False)]) or close(f.ours[cut(False)], f.truth[cut(True)])


def exchanged(f, match):
    a, a_end, b, b_end, axis = (int(n) if n else None for n in match.groups())
    order = np.arange(f.truth.shape[axis])
    first, second = slice(a, (a_end or a) + 1), slice(b, (b_end or b) + 1)
    order[first], order[second] = order[second].copy(), order[first].copy()
    return close(f.ours, f.truth.take(order, axis))


def linear(f):
    twice = f.ours_again([None if u is None else 2 * u for u in f.upstream])
    minus = f.ours_again([None if u is None else -u for u in f.upstream])
    return close(twice, 2 * f.ours) and close(minus, -f.ours)


def elementwise(f, match):
    """Both Jacobians are diagonal: one output element moves one input element alone."""
    unit = np.zeros_like(f.upstream[0])
    unit.flat[unit.size // 2] = 1
    return all(
        np.count_nonzero(np.delete(np.ravel(g([unit])), unit.size // 2)) == 0
        for g in (f.ours_again, f.truth_again)
    )


def same_numbers(f, match=None):
    return close(np.sort(f.ours, axis=None), np.sort(f.truth, axis=None))


def moved(f, match):
    """What comes from one output element lands elsewhere, with the same numbers."""
    k = next(k for k, (name, _) in enumerate(f.outputs) if match[1].startswith(name + "["))
    unit = [None if u is None else np.zeros_like(u) for u in f.upstream]
    unit[k][numbers(match[1].removeprefix(f.outputs[k][0]))] = 1
    ours, truth = f.ours_again(unit), f.truth_again(unit)
    return close(np.sort(ours, axis=None), np.sort(truth, axis=None)) and not close(ours, truth)


def per_slice(f, match):
    ratio = f.ours / f.truth
    spread = np.ptp(ratio, axis=tuple(a for a in range(ratio.ndim) if a != int(match[1])))
    return bool(np.max(spread) <= CLOSE * np.abs(ratio).max())


def by_array(f, match):
    """A whole gradient times or through an array at hand."""
    a = dict(f.inputs).get(match[2])
    if a is None:
        return True  # a value on PyTorch's way
    return close(f.ours * a, f.truth) if match[1].startswith("missing") else close(f.ours, f.truth * a)


def at_targets(f, match):
    target = dict(f.inputs)[match[1]]
    named = np.zeros(f.truth.shape, bool)
    named[np.arange(len(target)), target] = True
    return wrong(f)[named].any() and not wrong(f)[~named].any()


CLAIMS = [
    (r"^wrong sign$", lambda f, m: close(f.ours, -f.truth)),
    (r"^a constant factor of (\S+);", lambda f, m: multiple(f, m[1])),
    (r"^a factor ([\d.e+-]+)[,;]", lambda f, m: multiple(f, m[1])),
    (r"^transposed: the factors", lambda f, m: close(f.ours, np.swapaxes(f.truth, -1, -2))),
    (r"^transposed: its axes stand in the order (.*) of", lambda f, m: close(f.ours, f.truth.transpose(numbers(m[1])))),
    (r"^reversed along (.*)$", lambda f, m: close(f.ours, np.flip(f.truth, numbers(m[1])))),
    (r"^shifted by (\d+) along (.*)$", shifted),
    (r"^this is the gradient of (\S+):", lambda f, m: close(f.ours, dict(f.truths)[m[1]])),
    (r"^missing sum over (ax[^:]*)", lambda f, m: close(np.squeeze(f.ours.sum(numbers(m[1]))), np.squeeze(f.truth))),
    (r"^(sum|averag)\w+ too far: over (.*) of", lambda f, m: f.ours.size < f.truth.size),
    (r"^every element along (.*) gets the same number, the (sum|mean)", lambda f, m: close(f.ours, np.broadcast_to(getattr(f.truth, m[2])(numbers(m[1]), keepdims=True), f.truth.shape))),
    (r"^the right numbers in shape", lambda f, m: close(np.ravel(f.ours), np.ravel(f.truth))),
    (r"^its shape is", lambda f, m: f.ours.shape != f.truth.shape),
    (r"^zero everywhere", lambda f, m: np.abs(f.ours).max() <= 1e-12 * np.abs(f.truth).max()),
    (r"^right to (about )?(the digits|\d)", lambda f, m: np.abs(f.ours - f.truth).max() < 1e-3 * np.abs(f.truth).max()),
    (r"^off by a constant along (ax[^:]*):", constant_along),
    (r"^off by a multiple of (.*?)(?: itself)? along (ax[^:]*):", multiple_of_array),
    (r"^off by (\S+) times (\S+) itself", lambda f, m: np.isclose(((f.ours - f.truth) * f.x).sum() / (f.x**2).sum(), float(m[1]), rtol=1e-2)),
    (r"^wrong only at index (.*) along axis (\d)$", listed),
    (r"^right only at index (.*) along axis (\d)$", lambda f, m: listed(f, m, inverted=True)),
    (r"^zero at index (.*) along axis (\d),", zero_at),
    (r"^wrong in (\d+) of (\d+) (rows|columns|places)", count),
    (r"as a whole no multiple and no transpose", lambda f, m: not close(f.ours, np.vdot(f.ours, f.truth) / np.vdot(f.truth, f.truth) * f.truth) and not close(f.ours, f.truth.T)),
    (r"^wrong everywhere", lambda f, m: wrong(f).all()),
    (r"no gradient is right|the other gradients are right|the gradients? of .* (?:is|are) right", named_right),
    (r"^it is the gradient from above, unchanged", lambda f, m: any(u is not None and close(f.ours, u) for u in f.upstream)),
    (r"^element by element", elementwise),
    (r"^it is the (sum|mean) of the gradient of (\S+) over (ax[^:]*):", of_another),
    (r"^not linear", lambda f, m: not linear(f)),
    (r"^the gradient that comes from above is ignored", lambda f, m: not linear(f)),
    (r"^the right numbers in the wrong places, as", same_numbers),
    (r"^the right numbers in the wrong places: what comes from (\S+\[.*?\]) lands", moved),
    (r"^a factor that depends on the index along axis (\d)", per_slice),
    (r"^a factor (?:is )?(missing|too many) \(or a division [a-z ]+\): (.*)$", by_array),
    (r"^wrong only at the places that (\S+) names", at_targets),
    (r"^the transposed Jacobian was used", lambda f, m: True),
    (r"^it mixes elements along", lambda f, m: True),
    (r"^(\S+) times the right number here", lambda f, m: f.truth.size == 1),
    (r"^wrong only in rows that|^averaged in rows that", lambda f, m: not wrong(f).all()),
    (r"^wrong only in the rows where (\S+) is (-?\d+)$", lambda f, m: (wrong(f).any(1) == (dict(f.inputs)[m[1]] == int(m[2]))).all()),
    (r"^index (\d+)(?: to (\d+))? and (\d+)(?: to (\d+))? along axis (\d) are exchanged", exchanged),
    (r"^wrong only where the input", lambda f, m: not wrong(f).all()),
]  # fmt: skip


def check(f, sentence):
    """(how many claims of a sentence are known, those that do not hold)."""
    found = [(pattern, re.search(pattern, sentence), holds) for pattern, holds in CLAIMS]
    known = [(pattern, match, holds) for pattern, match, holds in found if match]
    return len(known), [pattern for pattern, match, holds in known if not holds(f, match)]


def judged(rows, seen, says, never):
    """Complaints about what is said in wrong rows, and the share of them that name the cause.

    seen: (Finding, Diagnosis) of each; says: a pattern of the cause, or None; never: one that would mislead.
    A sentence that does not name the cause must be a plain fact, and hold.
    """
    told = {id(found): f for f, found in seen}
    complaints, named = [], 0
    for row in rows:
        sentence = row.diagnosis.sentence
        f = told.get(id(row.diagnosis))
        known, false = check(f, sentence) if f is not None else (0, [])
        right = bool(says and re.search(says, sentence))
        named += right
        if false:
            complaints.append(f"{row.name}: does not hold: {sentence} ({false[0]})")
        elif never and re.search(never, sentence):
            complaints.append(f"{row.name}: misleads: {sentence}")
        elif not right and not known:
            complaints.append(f"{row.name}: neither the cause nor a plain fact: {sentence}")
    return complaints, named / len(rows)
