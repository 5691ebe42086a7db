"""The way back through a normalization taken apart: three terms, each with a switch, against finite differences."""

import numpy as np

from utils import style
from utils.crosscheck.finding import Finding
from utils.crosscheck.protocol import ProtocolError, called, words_of
from utils.crosscheck.verdicts import holes, of_gradient
from utils.explorable.engine import Choice, Explorable, Switch
from utils.nn.normalization import layer_norm as our_layer_norm

D = 8
EPS = 1e-5
STEP = 1e-5
TOLERANCE = 1e-5  # relative to the largest slope, as in crosscheck
NOISE = 1e-9  # smaller slopes are what rounding leaves of zero
X = np.array([[1.6, -0.5, 0.4, 1.1, -1.4, 0.2, 2.3, -0.9]])
BIAS = np.zeros(D)
WEIGHTS = {
    "all 1": np.ones(D),
    "different": np.array([1.1, 0.6, 1.4, 0.8, 1.2, 0.5, 0.7, 1.5]),
}
UPSTREAMS = {
    "random": np.random.default_rng(194).normal(size=(1, D)).round(1),
    "ones": np.ones((1, D)),
}
TERMS = ("direct", "mean path", "variance path")
LIMIT = 1.6


def terms(x, weight, upstream, eps=EPS):
    """The three terms of the gradient of layer norm at x, by name, each (..., D).

    x, upstream: (..., D); weight: (D,).  dx_hat = upstream * weight moves x itself (direct), the mean
    that is subtracted (mean path) and the deviation by which we divide (variance path).
    """
    centred = x - x.mean(-1, keepdims=True)
    inv_std = 1 / np.sqrt((centred**2).mean(-1, keepdims=True) + eps)
    x_hat, dx_hat = centred * inv_std, upstream * weight
    return {
        "direct": inv_std * dx_hat,
        "mean path": -inv_std * dx_hat.mean(-1, keepdims=True) * np.ones_like(x),
        "variance path": -inv_std * x_hat * (dx_hat * x_hat).mean(-1, keepdims=True),
    }


def slopes(layer_norm, weight, upstream):
    """Central differences of the weighed output, sum(upstream * layer_norm(x)): the gradient at X, measured.

    Only the value of layer_norm is used, not its pullback.  Slopes that are all within rounding of 0 are 0.
    """
    weigh = lambda moved: float((upstream * applied(layer_norm, moved, weight)[0]).sum())
    found = np.zeros_like(X)
    for place in np.ndindex(X.shape):
        unit = np.zeros_like(X)
        unit[place] = STEP
        found[place] = (weigh(X + unit) - weigh(X - unit)) / (2 * STEP)
    return found if np.abs(found).max() > NOISE else np.zeros_like(X)


def applied(layer_norm, x, weight):
    """(value, pullback) with biases of zero; copies go in, so that a slip of the reader's spoils nothing here.

    ProtocolError where the function raises or returns anything else.
    """
    return called(layer_norm, (x.copy(), weight.copy(), BIAS.copy()), name="layer_norm")


def trouble(layer_norm, weight):
    """Why the value of layer_norm cannot be measured, in a sentence; None where it can."""
    try:
        value, _ = applied(layer_norm, X, weight)
    except ProtocolError as error:
        return str(error)
    return None if np.isfinite(value).all() else f"the value of layer_norm is {holes(value)}"


def agrees(gradient, truth):
    """Whether a gradient is the measured one, up to the error of the differences."""
    if not isinstance(gradient, np.ndarray) or gradient.shape != truth.shape:
        return False
    return bool(np.abs(gradient - truth).max() <= TOLERANCE * np.abs(truth).max() + NOISE)


def verdict(gradient_of, slopes_of, upstream, weight, value):
    """Agreement, or what is wrong, in the words of the crosscheck.

    gradient_of, slopes_of: upstream -> the gradient at X, claimed and measured; value: the output.
    """
    try:
        gradient, truth = gradient_of(upstream), slopes_of(upstream)
    except Exception as error:  # whatever the reader's pullback raises
        return f"raises {words_of(error)}"
    if gradient is None:
        return "returns no gradient of x; it must return three, of x, weight and bias"
    if agrees(gradient, truth):
        return "agrees with finite differences"
    finding = Finding(
        ours=gradient, truth=truth, name="x", x=X,
        inputs=[("x", X), ("weight", weight), ("bias", BIAS)], outputs=[("output", value)],
        truths=[("x", truth)], upstream=[upstream],
        ours_again=lambda u: gradient_of(u[0]), truth_again=lambda u: slopes_of(u[0]),
    )  # fmt: skip
    return f"differs from finite differences: {of_gradient(finding, np.inf, zero=0.0).sentence}"


def switched(weight, upstream, on):
    """The terms whose names are in `on`, added up: (1, D)."""
    return sum((term for name, term in terms(X, weight, upstream).items() if name in on), np.zeros_like(X))


def own_gradient(layer_norm, weight, upstream):
    """What layer_norm's own pullback returns for x; None when it does not return an entry for each input."""
    returned = applied(layer_norm, X, weight)[1](upstream.copy())
    return returned[0] if isinstance(returned, tuple) and len(returned) == 3 else None


def claim(layer_norm, weight, upstream):
    """own_gradient, or None where the pullback raises."""
    try:
        return own_gradient(layer_norm, weight, upstream)
    except Exception:
        return None


def in_words(layer_norm, upstream, weight, on, largest):
    """The verdicts on the terms that are switched on and on layer_norm's own pullback, and the largest slope."""
    value = applied(layer_norm, X, weight)[0]
    measure = lambda u: slopes(layer_norm, weight, u)
    judged = lambda gradient_of: verdict(gradient_of, measure, upstream, weight, value)
    what = {3: "all three terms", 0: "no term at all"}.get(len(on), " + ".join(on))
    return (
        f"{what}: {judged(lambda u: switched(weight, u, on))}\n"
        f"layer_norm's own pullback: {judged(lambda u: own_gradient(layer_norm, weight, u))}\n"
        + (f"largest true gradient {largest:.3f}" if largest else "the true gradient is 0 everywhere")
    )


def norm_backward(layer_norm=our_layer_norm):
    """Three switches for the three terms of the gradient -> their sum against finite differences, with a verdict.

    layer_norm: the reader's own, (x, weight, bias) -> (value, pullback); its value makes the truth, its
    pullback is drawn and judged too.
    """

    def update(artists, direct, mean_path, variance_path, upstream, weight):
        dy, w = UPSTREAMS[upstream], WEIGHTS[weight]
        on = [name for name, kept in zip(TERMS, (direct, mean_path, variance_path)) if kept]
        amiss = trouble(layer_norm, w)
        if amiss:
            show(artists, dy, terms(X, w, dy), on, np.zeros_like(X), None)
            return f"{amiss}\nso there is no true gradient to compare with"
        truth, claimed = slopes(layer_norm, w, dy), claim(layer_norm, w, dy)
        show(artists, dy, terms(X, w, dy), on, truth, claimed)
        return in_words(layer_norm, dy, w, on, np.abs(truth).max())

    return Explorable(
        setup,
        update,
        title="the way back through layer norm",
        figsize=(9.6, 4.2),
        direct=Switch(True, label="direct"),
        mean_path=Switch(True, label="mean path"),
        variance_path=Switch(True, label="variance path"),
        upstream=Choice(list(UPSTREAMS), label="gradient from above"),
        weight=Choice(list(WEIGHTS), label="weights"),
        presets={
            "all three": {},
            "no mean path": {"mean_path": False},
            "no variance path": {"variance_path": False},
            "no variance path, ones from above": {"variance_path": False, "upstream": "ones"},
            "no mean path, ones from above": {"mean_path": False, "upstream": "ones"},
            "nothing, ones from above": {
                "direct": False,
                "mean_path": False,
                "variance_path": False,
                "upstream": "ones",
            },
        },
        alt="Four small pictures: the gradient from above and three terms, over eight features; a large one: "
        "the sum of the terms that are switched on, and the true gradient as an outline",
    )


def show(artists, upstream, parts, on, truth, claimed):
    """Move the artists; a term that is switched off turns grey, a claimed gradient of another shape is not drawn."""
    artists["upstream"].set_data(upstream[0])
    for name, part in parts.items():
        artists[name].set_data(part[0])
        artists[name].set_facecolor(style.GRADIENT if name in on else "#DDDDDD")
    total = sum((parts[name][0] for name in on), np.zeros(D))
    artists["total"].set_data(np.clip(total, -LIMIT, LIMIT))
    artists["truth"].set_data(np.clip(truth[0], -LIMIT, LIMIT))
    drawable = isinstance(claimed, np.ndarray) and claimed.shape == X.shape and np.isfinite(claimed).all()
    artists["claimed"].set_visible(drawable)
    if drawable:
        artists["claimed"].set_ydata(np.clip(claimed[0], -LIMIT, LIMIT))


def setup(fig):
    grid = fig.add_gridspec(2, 3, width_ratios=[1, 1, 2.1])
    edges, empty = np.arange(D + 1) + 0.5, np.zeros(D)
    artists = {}
    for at, name in enumerate(("upstream", *TERMS)):
        ax = fig.add_subplot(grid[at // 2, at % 2])
        frame(ax, "from above" if name == "upstream" else name, fontsize=11)
        ax.set_yticks([-1, 0, 1])
        colour = "#777777" if name == "upstream" else style.GRADIENT
        artists[name] = ax.stairs(empty, edges, fill=True, color=colour)
    ax = fig.add_subplot(grid[:, 2])
    frame(ax, "gradient at the input")
    ax.set(ylim=(-2, LIMIT), xlabel="feature")
    artists["total"] = ax.stairs(empty, edges, fill=True, color=style.GRADIENT, alpha=0.75, label="terms")
    artists["truth"] = ax.stairs(empty, edges, color="black", linewidth=2, label="finite differences")
    (artists["claimed"],) = ax.plot(
        np.arange(D) + 1,
        empty,
        "o",
        markersize=7,
        color="white",
        markeredgecolor="black",
        label="own pullback",
    )
    ax.legend(loc="lower center", fontsize=10, ncols=3, handlelength=1.2, columnspacing=1.2)
    return artists


def frame(ax, title, **kw):
    ax.set(xlim=(0.5, D + 0.5), ylim=(-LIMIT, LIMIT), xticks=range(1, D + 1))
    ax.set_title(title, **kw)
    ax.axhline(0, color="#777777", linewidth=1)
