r"""LaTeX to MathML, with terms that the page can find: \term{name}{x_i} becomes an element that knows its name."""

import re
from xml.etree import ElementTree

from latex2mathml.converter import convert

TERM = re.compile(r"\\term\{(?P<name>\w+)\}\{")
MATHML = "http://www.w3.org/1998/Math/MathML"


def to_mathml(latex, kinds=None):
    """MathML, block display.  kinds: {name: kind} colours terms; ValueError for a \\term that does not close.

    Each term is set between two invisible marks, converted with the rest, and gathered into one element afterwards,
    so that a term may hold anything that has its own row.
    """
    names, plain = [], []
    rest = latex
    while match := TERM.search(rest):
        inside, after = in_braces(rest[match.end() :], match[0])
        plain += [rest[: match.start()], r"\mathrm{term", str(len(names)), "}{", inside, "}"]
        names.append(match["name"])
        rest = after
    if names and any(TERM.search(part) for part in plain):
        raise ValueError(r"latex: a \term cannot stand inside another one")
    tree = ElementTree.fromstring(convert("".join([*plain, rest]), display="block"))
    gather(tree, names, kinds or {})
    ElementTree.register_namespace("", MATHML)
    return ElementTree.tostring(tree, encoding="unicode")


def in_braces(text, opening):
    """(what stands before the brace that closes, what stands after it)."""
    depth = 1
    for i, letter in enumerate(text):
        depth += {"{": 1, "}": -1}.get(letter, 0) if text[i - 1 : i] != "\\" else 0
        if depth == 0:
            return text[:i], text[i + 1 :]
    raise ValueError(f"latex: {opening} is never closed")


def gather(tree, names, kinds):
    r"""Replace each pair of \mathrm{termN} and the row after it by one row with data-of."""
    parents = [node for node in tree.iter() if len(node)]
    for parent in parents:
        children = list(parent)
        for marker, row in zip(children, children[1:]):
            found = re.fullmatch(r"term(\d+)", "".join(marker.itertext()))
            if found:
                name = names[int(found[1])]
                parent.remove(marker)
                row.set("data-of", name)
                if name in kinds:
                    row.set("class", f"marks-{kinds[name]}")
