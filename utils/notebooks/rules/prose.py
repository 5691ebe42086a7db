"""Rules about the text: Markdown that every viewer knows, LaTeX, numbered equations and references to them."""

import re

from utils.notebooks.course import equation_tags, is_whole
from utils.notebooks.shown import shown_cells

UNFINISHED = re.compile(r"\b(?:TODO|FIXME)\b")
# Characters that are shown as coloured pictures. Arrows, check marks and other plain symbols are not among them.
EMOJI = re.compile(
    "[\U0001f000-\U0001faff\ufe0f\u20e3\u231a\u231b\u23e9-\u23ec\u23f0\u23f3\u25fd\u25fe\u2614\u2615\u2648-\u2653"
    "\u267f\u2693\u26a1\u26aa\u26ab\u26bd\u26be\u26c4\u26c5\u26ce\u26d4\u26ea\u26f2\u26f3\u26f5\u26fa\u26fd\u2705"
    "\u270a\u270b\u2728\u274c\u274e\u2753-\u2755\u2757\u2795-\u2797\u27b0\u27bf\u2b1b\u2b1c\u2b50\u2b55]"
)
HTML_TAGS = {"details", "summary", "br", "a", "sub", "sup", "img"}
# as utils/style.py has them, which brings matplotlib: {the colour of marks: its shade for letters}
LETTERS = {"#0072B2": "#157ABB", "#D55E00": "#C25400", "#009E73": "#008560"}
NAMED_COLOUR = re.compile(r"\\color\{(#[0-9A-Fa-f]{6})\}")
COLOUR = re.compile(r"\\color(?![A-Za-z])")
COLOUR_IN_BRACES = re.compile(r"\{\\color\{[^{}]+\}\{")
COLOURED = re.compile(r"\\color\{([^{}]+)\}\{((?:[^{}]|\{[^{}]*\})*)\}")
PALETTE = {
    "#0072B2": "values", "#D55E00": "gradients", "#009E73": "parameters",
    "#157ABB": "values", "#C25400": "gradients", "#008560": "parameters",
}  # fmt: skip
TALKING_DOWN = re.compile(r"\b(?:simply|obviously|trivially|of course)\b", re.IGNORECASE)

# A number refers to an equation when it follows eq., eqs., equation(s) or 式, or when it stands in parentheses after
# by, from or in; lists go on with commas, "and", "or", "to", and in parentheses as they began.
NUMBER = r"\d{1,2}\.\d{1,3}[a-z]?(?![\w]|\.\d)"
AND = r"(?:\s*(?:,|and\b|or\b|to\b|[-–和、]))+\s*"
IN_PARENTHESES = rf"\({NUMBER}\)(?:{AND}\({NUMBER}\))*"
AFTER_EQ = re.compile(
    rf"(?:(?<![.\w])[Ee]q(?:s|uations?)?(?:\.\s*|\s+)|式\s*)({IN_PARENTHESES})"
    rf"|(?<![.\w])[Ee]q(?:uation)?(?:\.\s*|\s+)({NUMBER})"
    rf"|(?<![.\w])[Ee]q(?:uation)?s(?:\.\s*|\s+)({NUMBER}(?:{AND}{NUMBER})*)"
)
AFTER_BY = re.compile(rf"\b(?:[Bb]y|[Ff]rom|[Ii]n)\s+({IN_PARENTHESES})")


def nothing_unfinished(chapter, course):
    for number, cell in chapter.cells():
        if found := UNFINISHED.search(cell.source):
            yield chapter.remark(f"holds a {found[0]}", number)


def no_emoji(chapter, course):
    for number, cell in chapter.cells():
        if found := EMOJI.search(cell.source):
            yield chapter.remark(f"holds an emoji (U+{ord(found[0]):04X})", number)


def plain_markdown(chapter, course):
    """CommonMark and LaTeX only: other viewers show MyST as it is written, and drop most HTML."""
    for number, document in chapter.documents.items():
        for tag in sorted(set(document.html_tags) - HTML_TAGS):
            told = "an HTML comment" if tag == "<!--" else f"the HTML tag <{tag}>"
            yield chapter.remark(f"uses {told}; allowed are {' '.join(sorted(HTML_TAGS))}", number)
        for piece in document.myst:
            yield chapter.remark(f"uses the MyST syntax {piece}, which Jupyter does not know", number)


def colours_in_braces(chapter, course):
    for number, document in chapter.documents.items():
        math = " ".join(document.math)
        if len(COLOUR.findall(math)) > len(COLOUR_IN_BRACES.findall(math)):
            text = r"write {\color{#157ABB}{...}} with the outer braces, else the rest of the formula is coloured"
            yield chapter.remark(text, number)


def colours_can_be_read(chapter, course):
    """In formulas the shades for letters: those of lines and areas are too pale on white."""
    for number, document in chapter.documents.items():
        used = {colour.upper() for colour in NAMED_COLOUR.findall(" ".join(document.math))}
        for pale in sorted(used & set(LETTERS)):
            text = f"colours letters {pale}; write {LETTERS[pale]}, which can be read (recolour does it)"
            yield chapter.remark(text, number)


def colours_of_the_palette(chapter, course):
    """Formulas are painted in the course's colours, of marks or of letters, and a barred symbol in the gradients'."""
    for number, document in chapter.documents.items():
        for colour, text in COLOURED.findall(" ".join(document.math)):
            meaning = PALETTE.get(colour.upper())
            if meaning is None:
                told = ", ".join(f"{name} {what}" for name, what in PALETTE.items())
                yield chapter.remark(f"paints {text} in {colour}; the palette is {told}", number)
            elif r"\bar" in text and meaning != "gradients":
                yield chapter.remark(
                    f"paints the gradient {text} as {meaning}; gradients are vermilion", number
                )


def plain_words(chapter, course):
    """No word that tells the reader how easy it ought to be."""
    for number, document in chapter.documents.items():
        if found := TALKING_DOWN.search(document.text):
            yield chapter.remark(f"says {found[0]!r}; leave it out", number)


def equation_tags_unique(chapter, course):
    seen = {}
    for number, tag in equation_tags(chapter):
        match = re.fullmatch(r"(\d+)\.\d+[a-z]?", tag)
        if match is None:
            yield chapter.remark(rf"the equation's \tag{{{tag}}} must look like \tag{{4.7}}", number)
        elif chapter.number is not None and int(match[1]) != chapter.number:
            yield chapter.remark(rf"the equation's \tag{{{tag}}} has another chapter's number", number)
        elif tag in seen:
            yield chapter.remark(rf"the equation's \tag{{{tag}}} is also in cell {seen[tag]}", number)
        seen.setdefault(tag, number)
    numbers = [int(tag.split(".")[1]) for _, tag in equation_tags(chapter) if re.fullmatch(r"\d+\.\d+", tag)]
    if is_whole(chapter) and numbers != list(range(1, len(numbers) + 1)):
        how = f"`renumber {chapter.number:02d} --write` numbers them by their place"
        yield chapter.remark(f"its equations are not numbered 1, 2, 3, ... in their order; {how}")
    for number, document in chapter.documents.items():
        if r"\tag{" in document.text:
            yield chapter.remark(r"a \tag stands outside of a formula; is a $$ missing?", number)


def equation_references_exist(chapter, course):
    """References lead to an equation; in shown code as soon as the chapter they name exists."""
    texts = [(number, document.text, True) for number, document in chapter.documents.items()]
    texts += [(cell.number, cell.text, False) for cell in shown_cells(chapter)[0]]
    for number, text, is_prose in texts:
        for reference in sorted(set(references(text, is_prose))):
            target = int(reference.split(".")[0])
            if target in course.equations and reference not in course.equations[target]:
                where = course.by_number[target].name
                yield chapter.remark(f"refers to equation ({reference}), which {where} does not have", number)
            elif is_prose and course.written and target not in course.written:
                text = f"refers to equation ({reference}) of a chapter that is not written; name the chapter instead"
                yield chapter.remark(text, number)


def references(text, is_prose=True):
    """Yields the numbers of the equations that a text refers to; in code only those after eq. or eqs."""
    text = text.replace("（", "(").replace("）", ")")
    for match in AFTER_EQ.finditer(text):
        yield from _numbers(match)
    if is_prose:
        for match in AFTER_BY.finditer(text):
            # (0.5) after "by" is a number; chapter 0 derives nothing
            yield from (number for number in _numbers(match) if not number.startswith("0."))


def _numbers(match):
    return re.findall(NUMBER, match[0])
