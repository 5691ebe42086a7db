"""Finite differences: under the magnifying glass of a shrinking step, and how wrong three formulas become."""

from dataclasses import dataclass

import numpy as np

from utils.explorable import Choice, Curve, Explorable, Points, Slider
from utils.explorable.columns import SUPERSCRIPTS

STEPS = 10.0 ** np.arange(0, -20.5, -0.5)
NEAR = np.linspace(-1.6, 1.6, 321)  # places around x, in steps
EXACT = 1e-17  # an error of 0 is drawn here, below the smallest that float64 can show
# drawn in this order: central and complex step have the same error where the step is long
KINDS = {"complex": "value", "forward": "data", "central": "gradient"}


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
    """Three estimates of f'(x) with step h: eqs. (1.15), (1.16), (1.18).

    f takes complex numbers; h: a number or an array.  Returns a dict name -> estimate.
    """
    return {
        "forward": (f(x + h) - f(x)) / h,
        "central": (f(x + h) - f(x - h)) / (2 * h),
        "complex": np.imag(f(x + 1j * h)) / h,
    }


def errors(function):
    """Relative errors of the three estimates for every step of STEPS; an exact hit counts as EXACT."""
    truth = function.slope(function.x)
    found = slopes(function.f, function.x, STEPS)
    return {name: np.maximum(np.abs(value / truth - 1), EXACT) for name, value in found.items()}


ALL_ERRORS = {name: errors(function) for name, function in FUNCTIONS.items()}


def best_step(function, formula):
    """The step of the smallest error."""
    return float(STEPS[np.argmin(ALL_ERRORS[function][formula])])


def magnified(chosen, step):
    """The neighbourhood of x so that the true tangent always looks the same: {name: heights}, eqs. (1.15), (1.16).

    Places count in steps from x, heights in what the tangent rises over one step, from f(x).  "curve", "tangent",
    "forward", "central": (len(NEAR),); "ends": the three points at x - h, x and x + h, (3, 2).
    """
    x, f = chosen.x, chosen.f
    height = lambda value: (value - f(x)) / (step * abs(chosen.slope(x)))
    ends = height(f(x + step * np.array([-1.0, 0.0, 1.0])))
    lines = {"forward": ends[2] * NEAR, "central": (ends[2] + ends[0]) / 2 + (ends[2] - ends[0]) / 2 * NEAR}
    return lines | {
        "curve": height(f(x + step * NEAR)),
        "tangent": np.sign(chosen.slope(x)) * NEAR,
        "ends": np.stack([[-1.0, 0.0, 1.0], ends], axis=1),
    }


def step_name(step):
    """1, 10⁻¹, and 3·10⁻¹ for the steps between."""
    power = int(np.floor(np.log10(step) + 1e-9))
    whole = f"10{str(power).translate(SUPERSCRIPTS)}" if power else "1"
    return whole if step < 2 * 10.0**power else f"3\u00b7{whole}"


def compute(step, function):
    chosen, found = FUNCTIONS[function], ALL_ERRORS[function]
    visited = step * 0.9 <= STEPS  # only as far as one has gone
    at = int(visited.sum()) - 1
    arrays = magnified(chosen, step) | {"near": NEAR, "steps": STEPS}
    for name, error in found.items():
        arrays |= {f"{name} error": error * visited, f"{name} now": [[step, error[at]]]}
    estimates, truth = slopes(chosen.f, chosen.x, step), chosen.slope(chosen.x)
    lines = [f"step h = {step_name(step)}: the true slope is {truth:.15f}"]
    for name, estimate in estimates.items():
        right = min(15, max(0, int(-np.log10(found[name][at]))))
        lines.append(f"  {name:8} says {estimate:21.15f}, right in {right:2} of 15 digits")
    return arrays | {"readout": "\n".join(lines)}


def differences():
    """Step and function -> the curve under a magnifying glass, and the errors of three formulas as far as one went."""
    errors_of = lambda name: Curve(
        f"{name} error",
        x="steps",
        kind=KINDS[name],
        look="dashed" if name == "central" else "",
        also=(Points(f"{name} now", kind=KINDS[name], names=(name,), side="left"),),
    )
    first, *others = map(errors_of, KINDS)
    return Explorable(
        compute,
        title="finite differences",
        marks=[
            Curve(
                "curve",
                "the curve near x, under a magnifying glass",
                kind="data",
                look="bold",
                x="near",
                xlim=(-1.6, 1.6),
                ylim=(-2.6, 2.6),
                xlabel="steps h from x",
                ylabel="f, tangent rises 1",
                width=400,
                height=300,
                also=(
                    Curve("tangent", x="near", kind="parameter", look="dashed"),
                    Curve("forward", x="near", kind="data"),
                    Curve("central", x="near", kind="gradient"),
                    Points("ends", kind="value"),
                ),
            ),
            Curve(
                first.of,
                "how wrong: drag along the axis to change the step",
                kind=first.kind,
                x="steps",
                log="xy",
                xlim=(1e-20, 1.0),
                ylim=(EXACT, 10.0),
                xlabel="step h",
                ylabel="relative error",
                width=480,
                height=300,
                pick="step",
                also=(*first.also, *(part for curve in others for part in (curve, *curve.also))),
            ),
        ],
        step=Slider([float(s) for s in STEPS], format=step_name),
        function=Choice(list(FUNCTIONS)),
        start={"step": 1.0, "function": "loss of w7"},
        play=("step",),
        presets={
            "too long": {"step": 1.0},
            "best for central": {"step": best_step("loss of w7", "central")},
            "best for forward": {"step": best_step("loss of w7", "forward")},
            "too short": {"step": float(STEPS[np.argmin(np.abs(STEPS - 1e-15))])},
            "no step at all": {"step": float(STEPS[-1])},
        },
        alt="Left the curve near x with its tangent and two secants; right the relative errors of three formulas so far",
    )
