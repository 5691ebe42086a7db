"""Arrays on their way to the browser: one buffer, and a list that says where each array lies in it."""

import numpy as np

# exact enough to be drawn: single precision live, sixteen bits a number where many states are kept
LIVE, BAKED = "f4", "i2"
LARGEST = {"i2": 32767}
FEW = 64  # numbers: as many stay exact, for they are read and not only seen


def pack(arrays, kind=LIVE):
    """(manifest, bytes) of {name: array of numbers}.

    manifest: a list of {name, shape, type, at, scale}, in order: a list keeps its order on every way to a page.  Kind
    "i2" rounds arrays of more than 64 numbers to 65,535 steps over their own range, symmetric around 0.  ValueError for an array that is not
    finite or holds no numbers.
    """
    manifest, parts, at = [], [], 0
    for name, given in arrays.items():
        array = as_numbers(name, given)
        own = LIVE if array.size <= FEW else kind
        entry = {"name": name, "shape": list(array.shape), "type": own, "at": at, "scale": 1.0}
        if own != LIVE:
            entry["scale"] = float(np.abs(array).max(initial=0) or 1.0) / LARGEST[own]
            array = np.round(array / entry["scale"])
        raw = array.astype(f"<{own}").tobytes()
        raw += bytes(-len(raw) % 4)  # a browser reads numbers only at multiples of their size
        manifest.append(entry)
        parts.append(raw)
        at += len(raw)
    return manifest, b"".join(parts)


def unpack(manifest, data):
    """{name: array} as the browser sees it."""
    found = {}
    for entry in manifest:
        count = int(np.prod(entry["shape"], dtype=int))
        flat = np.frombuffer(data, f"<{entry['type']}", count, entry["at"])
        found[entry["name"]] = (flat * entry["scale"]).reshape(entry["shape"])
    return found


def as_numbers(name, given):
    """An array of finite float64, booleans as 0 and 1."""
    array = np.asarray(given)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{name}: expected an array of numbers, got {type(given).__name__}")
    array = array.astype(float)
    if not np.isfinite(array).all():
        raise ValueError(f"{name}: expected finite numbers, got {array[~np.isfinite(array)][0]}")
    return array
