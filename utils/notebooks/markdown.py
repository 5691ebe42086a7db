"""Markdown as JupyterLab reads it: CommonMark with LaTeX, taken apart into what the rules look at."""

import html
import re
from dataclasses import dataclass, field

import mistune

# Where code and LaTeX begin and end. JupyterLab too takes the LaTeX out before it parses the Markdown.
FENCED = r"^[ >]*(?P<fence>`{3,}|~{3,})[^\n]*\n(?:.*?\n)??[ >]*(?P=fence)[`~]*[ ]*$"
INLINE = r"(?<!`)(?P<tick>`+)(?!`).+?(?<!`)(?P=tick)(?!`)"
MATH = r"\$\$.+?\$\$|\\begin\{(?P<env>\w+\*?)\}.*?\\end\{(?P=env)\}|\$(?:[^$\n]|\n(?!\s*\n))+\$"
CODE_OR_MATH = re.compile(rf"(?P<code>{FENCED}|{INLINE}|\\\$)|(?P<math>{MATH})", re.MULTILINE | re.DOTALL)
PLACEHOLDER = "\ue000{}\ue001"  # private-use characters: they mean nothing to Markdown
PLACEHOLDERS = re.compile("\ue000(\\d+)\ue001|%EE%80%80(\\d+)%EE%80%81")  # the second form in addresses

HTML_TAG = re.compile(r"<!--|</?([A-Za-z][\w-]*)")
HTML_ADDRESS = re.compile(r"""\b(href|src)\s*=\s*["']?([^"'\s>]+)""")
HTML_ID = re.compile(r"""<\w[^>]*\bid\s*=\s*["']?([^"'\s>]+)""")
ROLE = re.compile(r"\{[A-Za-z][\w:.+-]*\}$")

_parse = mistune.create_markdown(renderer="ast", plugins=["table", "strikethrough"])


@dataclass
class Document:
    """What one piece of Markdown contains."""

    text: str = ""  # the prose, without code, LaTeX and addresses
    math: list = field(default_factory=list)
    headings: list = field(default_factory=list)  # as displayed, LaTeX kept as LaTeX
    sections: list = field(default_factory=list)  # those headings that begin with ##
    links: list = field(default_factory=list)  # addresses
    images: list = field(default_factory=list)  # addresses
    html_tags: list = field(default_factory=list)  # names in lower case; "<!--" for a comment
    html_ids: list = field(default_factory=list)
    myst: list = field(default_factory=list)  # roles and directives, which Jupyter does not know

    @classmethod
    def parse(cls, source):
        stripped, math = take_out_math(source)
        document = cls(math=math)
        document._read(_parse(stripped))
        document.text = PLACEHOLDERS.sub(" ", document.text)
        return document

    def _read(self, tokens):
        previous = {}
        for token in tokens:
            kind, attributes, raw = token["type"], token.get("attrs", {}), token.get("raw", "")
            if kind == "heading":
                self.headings.append(self._displayed(token["children"]))
                if attributes["level"] == 2:
                    self.sections.append(self.headings[-1])
            elif kind == "link":
                self.links.append(self._with_math(attributes["url"]))
            elif kind == "image":
                self.images.append(self._with_math(attributes["url"]))
            elif kind in ("block_html", "inline_html"):
                self._read_html(raw)
            elif kind == "block_code" and attributes.get("info", "").startswith("{"):
                self.myst.append("```" + attributes["info"])
            elif kind == "codespan" and (role := ROLE.search(previous.get("raw", ""))):
                self.myst.append(role[0] + "`...`")
            elif kind == "text":
                self.text += raw
                if raw.startswith(":::{"):
                    self.myst.append(raw.split("\n")[0])
            elif kind == "softbreak":
                self.text += "\n"
            self._read(token.get("children", []))
            if kind in ("paragraph", "heading", "block_text", "table_cell"):
                self.text += "\n\n"
            previous = token

    def _read_html(self, raw):
        self.html_tags += [(name or "<!--").lower() for name in HTML_TAG.findall(raw)]
        self.html_ids += HTML_ID.findall(raw)
        for attribute, address in HTML_ADDRESS.findall(raw):
            (self.links if attribute == "href" else self.images).append(html.unescape(address))

    def _displayed(self, tokens):
        words = ""
        for token in tokens:
            if token["type"] in ("text", "codespan"):
                words += html.unescape(token["raw"])
            elif token["type"] != "image":
                words += self._displayed(token.get("children", []))
        return self._with_math(words)

    def _with_math(self, text):
        return PLACEHOLDERS.sub(lambda match: self.math[int(match[1] or match[2])], text)


def take_out_math(source):
    """(the source with a placeholder for each piece of LaTeX, the pieces); code is left alone."""
    math = []

    def replace(match):
        if match["math"] is None:
            return match[0]
        math.append(match["math"])
        return PLACEHOLDER.format(len(math) - 1)

    return CODE_OR_MATH.sub(replace, source), math


def anchor(heading):
    """The anchor that JupyterLab gives a heading: its displayed text with hyphens for spaces."""
    return heading.replace(" ", "-")
