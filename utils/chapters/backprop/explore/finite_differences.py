"""Finite differences: the error of three formulas against the step, a U between two mistakes."""

from dataclasses import dataclass

import numpy as np

from utils import style
from utils.explorable.engine import Choice, Explorable, Slider

STEPS = 10.0 ** np.arange(0, -20.5, -0.5)


@dataclass
class Function:
    """A function of one number that also takes complex ones, its derivative, and the point looked at."""

    f: object
    slope: object
    x: float


def worked_loss(w):
    """The loss of the worked network as a function of w7, complex numbers allowed."""
    sigmoid = lambda z: 1 / (1 + np.exp(-z))
    h1, h2 = sigmoid(4.3), sigmoid(5.3)
    o1, o2 = sigmoid(w * h1 + 0.9 * h2 + 0.5), sigmoid(0.8 * h1 + 0.1 * h2 + 0.5)
    return 0.5 * ((o1 - 0.1) ** 2 + (o2 - 0.05) ** 2)


def worked_slope(w):
    sigmoid = lambda z: 1 / (1 + np.exp(-z))
    h1, h2 = sigmoid(4.3), sigmoid(5.3)
    o1 = sigmoid(w * h1 + 0.9 * h2 + 0.5)
    return (o1 - 0.1) * o1 * (1 - o1) * h1


FUNCTIONS = {
    "loss of w7": Function(worked_loss, worked_slope, 0.7),
    "exp": Function(np.exp, np.exp, 1.0),
    "tanh": Function(np.tanh, lambda x: 1 - np.tanh(x) ** 2, 0.5),
    "100 + exp": Function(lambda x: 100 + np.exp(x), np.exp, 1.0),
}


def slopes(f, x, h):
    """Three estimates of f'(x) with step h: eqs. (1.13), (1.14), (1.16).

    f takes complex numbers; h: a number or an array.  Returns a dict name -> estimate.
    """
    return {
        "forward": (f(x + h) - f(x)) / h,
        "central": (f(x + h) - f(x - h)) / (2 * h),
        "complex": np.imag(f(x + 1j * h)) / h,
    }


def errors(function):
    """Relative errors of the three estimates for every step of STEPS; an exact hit counts as 1e-17."""
    truth = function.slope(function.x)
    found = slopes(function.f, function.x, STEPS)
    return {name: np.maximum(np.abs(value / truth - 1), 1e-17) for name, value in found.items()}


# drawn in this order: central and complex step have the same error where the step is long
LINES = {"complex": "-", "forward": "-", "central": "--"}
COLOURS = {"complex": style.ACTIVATION, "forward": "#999999", "central": style.GRADIENT}
ALL_ERRORS = {name: errors(function) for name, function in FUNCTIONS.items()}


def best_step(function, formula):
    """The step of the smallest error."""
    return float(STEPS[np.argmin(ALL_ERRORS[function][formula])])


def differences():
    """Step size and function -> the secant it draws, and the relative error of three formulas."""

    def update(artists, step, function):
        chosen = FUNCTIONS[function]
        found = ALL_ERRORS[function]
        at = int(np.argmin(np.abs(np.log10(STEPS) - np.log10(step))))
        for name, line in artists["curves"].items():
            line.set_ydata(found[name])
        artists["dots"].set_offsets([[step, found[name][at]] for name in COLOURS])
        artists["now"].set_xdata([step, step])
        draw_secants(artists, chosen, step)
        estimates = slopes(chosen.f, chosen.x, step)
        lines = [
            f"{name:8} {estimates[name]:.15f}   relative error {found[name][at]:.0e}"
            for name in ("forward", "central", "complex")
        ]
        return "\n".join([f"true     {chosen.slope(chosen.x):.15f}   step {step:.1e}", *lines])

    return Explorable(
        setup,
        update,
        title="finite differences",
        figsize=(9, 3.8),
        step=Slider([float(s) for s in STEPS], format="{:.0e}"),
        function=Choice(list(FUNCTIONS)),
        start={"step": 1.0, "function": "loss of w7"},
        play=("step",),
        presets={
            "too long": {"step": 1.0},
            "best for forward": {"step": best_step("loss of w7", "forward")},
            "best for central": {"step": best_step("loss of w7", "central")},
            "too short": {"step": float(STEPS[np.argmin(np.abs(STEPS - 1e-15))])},
        },
        alt="Left a curve with its tangent and two secants; right the relative error against the step, on log scales",
    )


def draw_secants(artists, chosen, step):
    """The function near x, the true tangent, the forward and the central secant, scaled to the step."""
    reach = max(step, 1e-9) * 1.6
    t = np.linspace(-1, 1, 81)
    x, base, slope = chosen.x, chosen.f(chosen.x), chosen.slope(chosen.x)
    scale = reach * abs(slope) * 1.6
    place = lambda y: np.clip((y - base) / scale, -2, 2)
    found = slopes(chosen.f, x, step)
    artists["curve"].set_ydata(place(chosen.f(x + t * reach)))
    artists["tangent"].set_ydata(t * reach * slope / scale)
    artists["forward"].set_ydata(np.clip(t * reach * found["forward"] / scale, -2, 2))
    ahead, behind = chosen.f(x + step), chosen.f(x - step)
    middle = (ahead + behind) / 2 - base
    artists["central"].set_ydata(np.clip((middle + t * reach * found["central"]) / scale, -2, 2))
    ends = np.array([-step, 0, step]) / reach
    artists["points"].set_offsets(np.stack([ends, place(np.array([behind, base, ahead]))], axis=1))


def setup(fig):
    left, right = fig.subplots(1, 2, width_ratios=[1, 1.5])
    t = np.linspace(-1, 1, 81)
    left.set(xlim=(-1, 1), ylim=(-1.1, 1.1), xticks=[-0.625, 0, 0.625], yticks=[])
    left.set_xticklabels(["x - h", "x", "x + h"])
    left.set_title("the curve between x - h and x + h", fontsize=11)
    plot = lambda colour, label, **kw: left.plot(t, 0 * t, color=colour, label=label, **kw)[0]
    artists = {
        "curve": plot("black", "f", linewidth=2.5),
        "tangent": plot(style.PARAMETER, "true slope", linestyle="--", linewidth=1.5),
        "forward": plot(COLOURS["forward"], "forward", linewidth=1.5),
        "central": plot(COLOURS["central"], "central", linewidth=1.5),
        "points": left.scatter([], [], color="black", zorder=4, s=30),
    }
    left.legend(loc="upper left", fontsize=10)
    right.set(xscale="log", yscale="log", xlim=(1e-20, 1.5), ylim=(3e-18, 30))
    right.set(xlabel="step h", ylabel="relative error", title="error against step")
    artists["curves"] = {
        name: right.plot(
            STEPS, np.ones_like(STEPS), color=colour, marker=".", label=name, linestyle=LINES[name]
        )[0]
        for name, colour in COLOURS.items()
    }
    artists["dots"] = right.scatter(
        [1] * 3, [1] * 3, color=list(COLOURS.values()), s=70, zorder=4, edgecolor="black"
    )
    artists["now"] = right.axvline(1.0, color="#444444", linewidth=1)
    right.legend(loc="lower right", fontsize=10)
    return artists
