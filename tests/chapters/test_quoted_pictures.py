"""Numbers that the prose quotes from a picture at another setting than the stored one: the read-out holds them there."""

import re
from pathlib import Path

import nbformat
import pytest

from tests.chapters.cells import code_cells, names_for, run

CHAPTERS = Path(__file__).parents[2] / "chapters"
NUMBER = r"([-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?)(%?)"

# cell of the picture: (a preset or the controls that are moved, the words before the number, the number as it is quoted)
ACTIVATIONS = {
    "passing-s-shaped": [({"function": "tanh"}, "above   ->   spread", "0.35")],
    "dying": [
        ({"epoch": 0}, "ReLU        accuracy 10%, dead units per layer 3%, 31%,", "72 %"),
        ({"epoch": 3}, "ReLU        accuracy 31%, dead units per layer 3%, 19%,", "41 %"),
        ("born dead", "leaky ReLU  accuracy", "20 %"),
    ],
    "softmax-gradient": [
        ({"temperature": 4.0}, "largest share", "0.35"),
        ({"temperature": 1.0}, "largest share", "0.64"),
        ({"temperature": 0.25}, "largest share", "0.98"),
        ({"temperature": 4.0}, "largest gradient", "0.057"),
        ({"temperature": 0.7}, "largest gradient", "0.258"),
        ({"temperature": 0.25}, "largest gradient", "0.072"),
    ],
}
INITIALIZATION = {
    "03scheme2": [
        ("fades", "forward:  x", "0.405"),
        ("LeCun with tanh", "forward:  x", "0.929"),
        ("LeCun with tanh", "root mean square in layer 1", "0.63"),
        ("LeCun with tanh", "6.3e-01, in layer 20", "0.16"),
    ],
    "03scheme4": [
        ("Xavier with ReLU", "root mean square in layer 1", "0.72"),
        ("He with ReLU", "between examples an activation differs by", "0.82"),
        ("He with ReLU", "in layer 1, by", "0.13"),
    ],
}
NORMALIZATION = {
    "04tae": [("drifting, long memory", "running mean off by", "-1.46")],
    "04scalepic": [
        ("ten times", "largest cosine between weights and gradient", "0.00"),
        ("ten times, no batch norm", "outputs change by", "900 %"),
        ("the other sign", "outputs change by", "200 %"),
        ("too small for eps", "outputs change by", "72 %"),
        ("too small for eps", "largest cosine between weights and gradient", "0.45"),
    ],
}
QUOTED = {"02": ACTIVATIONS, "03": INITIALIZATION, "04": NORMALIZATION}


def picture(chapter, id):
    """The explorable that a cell of a chapter's notebook makes."""
    (path,) = CHAPTERS.glob(f"{chapter}_*.ipynb")
    cells = nbformat.read(path, as_version=4).cells
    source = next(cell.source for cell in cells if cell.id == id)
    earlier = []
    for _, other in code_cells(path):
        if other == source:
            return run(source, names_for(source, earlier))
        earlier.append(other)
    raise LookupError(id)


def read_out(explorable, setting):
    """What the picture says at a preset, or with some controls moved."""
    if isinstance(setting, str):
        return explorable.draw(explorable.presets[setting])
    return explorable.at(**setting)[1]


def is_quoted_rightly(said, words, quoted):
    """True where the number after some words, rounded, is the quoted one."""
    found = re.search(re.escape(words) + r"\s+" + NUMBER, said)
    digits, _, percent = quoted.partition(" ")
    if found is None or bool(percent) != bool(found[2]):
        return False
    return f"{float(found[1]):.{len(digits.partition('.')[2])}f}" == digits


@pytest.mark.parametrize("chapter, id", [(chapter, id) for chapter, ids in QUOTED.items() for id in ids])
def test_the_picture_says_what_the_prose_quotes(chapter, id):
    explorable = picture(chapter, id)
    wrong = [
        (setting, words, quoted, said)
        for setting, words, quoted in QUOTED[chapter][id]
        if not is_quoted_rightly(said := read_out(explorable, setting), words, quoted)
    ]
    assert wrong == []


def test_a_wrong_quote_is_found():
    said = "outputs change by 72.3%\nlargest cosine between weights and gradient 0.45"
    assert is_quoted_rightly(said, "outputs change by", "72 %")
    assert not is_quoted_rightly(said, "outputs change by", "73 %")
    assert not is_quoted_rightly(said, "outputs change by", "72")
    assert not is_quoted_rightly(said, "weights and gradient", "0.4")
    assert not is_quoted_rightly(said, "cosine of", "0.45")
