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
    tidy(tree)
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


TAG = re.compile(r"\s*\\tag\*?\{([^{}]*)\}")
ALIGNED = re.compile(r"\\begin\{aligned\}(.*?)\\end\{aligned\}", re.DOTALL)
SCRIPTS = {"msub", "msup", "msubsup", "munder", "mover", "munderover"}
ACCENTS = set("\u00af\u0302^\u02c6\u02d9\u02dc~\u2192\u20d7")
UPRIGHT = re.compile(r"[A-Za-z]{2,}")
ALPHABET = re.compile(
    r"\\math(bb|cal|bf|rm|sf)\s*([A-Za-z])(?![A-Za-z])"
)  # \mathbb R, which the library reads as R
PRIMES = {"\u2032", "\u2033", "\u2034"}
TIGHT = {"|", "/", "\u2016", *PRIMES}
SIGNS, CLOSING = {"-", "\u2212", "+", "\u00b1"}, {")", "]", "}", "|", "!", *PRIMES}


def for_page(latex, display=False, classes=None):
    """(MathML, the equation's tag or ""): LaTeX between dollars as a page without scripts can show it.

    classes: {colour as \\color names it, in lower case: class}.  ValueError for LaTeX that cannot be converted.
    """
    tags = TAG.findall(latex)
    source = ALPHABET.sub(r"\\math\1{\2}", ALIGNED.sub(as_array, TAG.sub("", latex)))
    try:
        tree = ElementTree.fromstring(convert(source, display="block" if display else "inline"))
    except Exception as error:  # the library raises whatever it stumbles over
        raise ValueError(f"latex: {latex!r} cannot be converted ({type(error).__name__}: {error})") from None
    tidy(tree)
    for node in tree.iter(f"{{{MATHML}}}mstyle"):
        if name := (classes or {}).get(node.get("mathcolor", "").lower()):
            del node.attrib["mathcolor"]
            node.set("class", name)
    left = "".join(tree.itertext())
    if "\\" in left:
        raise ValueError(f"latex: {latex!r} leaves {left[left.index(chr(92)) :]!r}")
    ElementTree.register_namespace("", MATHML)
    return ElementTree.tostring(tree, encoding="unicode"), tags[0] if tags else ""


def as_array(found):
    """aligned as an array, which the library knows: right and left in turn."""
    rows = re.sub(r"\\\\\[[^\]]*\]", r"\\\\", found[1])
    columns = 1 + max(len(re.findall(r"(?<!\\)&", row)) for row in rows.split(r"\\"))
    return rf"\begin{{array}}{{{('rl' * columns)[:columns]}}}{rows}\end{{array}}"


def tidy(tree):
    """What browsers draw otherwise than TeX: names of functions and their spaces, accents, columns."""
    name = lambda node: node.tag.removeprefix(f"{{{MATHML}}}")
    for parent in list(tree.iter()):
        for before, node in zip([None, *parent], list(parent)):
            words = (node.text or "").strip()
            if words in PRIMES:
                node.tag = f"{{{MATHML}}}mo"
            if name(node) != "mo":
                continue
            if UPRIGHT.fullmatch(words) or words == "\u221e":
                node.tag = f"{{{MATHML}}}mi"
            elif words in TIGHT or node.get("minsize"):
                node.attrib.update(lspace="0", rspace="0")
            elif words in SIGNS and (before is None or (name(before) == "mo" and before.text not in CLOSING)):
                node.set("form", "prefix")
        if name(parent) == "msup" and (parent[1].text or "") in PRIMES:  # its own glyph stands high already
            parent.tag = f"{{{MATHML}}}mrow"
        if name(parent) == "mover" and (parent[1].text or "").strip() in ACCENTS:
            parent.set("accent", "true")
        if name(parent) == "mtable":
            parent.set("displaystyle", "true")
            align_columns(parent, name)
        if name(parent) in ("mrow", "mstyle", "mtd", "math"):
            space_functions(parent, name)


def align_columns(table, name):
    """As style, for no attribute reaches a browser's table: right and left meet at the sign between them."""
    for row in table:
        for k, cell in enumerate(row):
            side = cell.get("columnalign", "center")
            near = {"right": "padding-right:0", "left": "padding-left:0" if k % 2 else ""}.get(side, "")
            cell.set(
                "style", ";".join(filter(None, [f"text-align:-webkit-{side}", f"text-align:{side}", near]))
            )


def space_functions(row, name):
    """A thin space between the name of a function and a letter or number beside it, as TeX sets it."""

    def is_function(node):
        while name(node) in SCRIPTS:
            node = node[0]
        return name(node) == "mi" and bool(UPRIGHT.fullmatch(node.text or ""))

    alone = lambda node: name(node) not in ("mo", "mspace", "mtext")
    children = list(row)
    for k in range(len(children) - 1, 0, -1):
        left, right = children[k - 1], children[k]
        if alone(left) and alone(right) and (is_function(left) or is_function(right)):
            row.insert(k, ElementTree.Element(f"{{{MATHML}}}mspace", width="0.167em"))


RELATIONS = set("=\u2248\u2264\u2265<>\u2192\u2190\u2208\u221d\u223c\u27f9,")


SHORT = 14  # letters that stay on one line


def in_lines(mathml):
    """A formula inside of a sentence as several, between which a line may break: MathML itself never breaks.

    They part before a relation, and after a comma.
    """
    tree = ElementTree.fromstring(mathml)
    row = tree[0] if len(tree) == 1 else tree
    parts = [[]]
    for node in row:
        sign = (node.text or "").strip() if node.tag == f"{{{MATHML}}}mo" else ""
        if sign and sign != "," and sign in RELATIONS and parts[-1]:
            parts.append([])
            node.set("form", "infix")
        parts[-1].append(node)
        if sign == ",":
            parts.append([])
    if len(row) == 0 or len(parts) == 1 or len("".join(tree.itertext())) < SHORT:
        return mathml
    pieces = []
    for part in filter(None, parts):
        piece = ElementTree.Element(f"{{{MATHML}}}math", tree.attrib)
        ElementTree.SubElement(piece, f"{{{MATHML}}}mrow").extend(part)
        pieces.append(ElementTree.tostring(piece, encoding="unicode"))
    return "<wbr>".join(pieces)
