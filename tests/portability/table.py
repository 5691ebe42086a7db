"""Measure every claim under every configuration and write what moved: python -m tests.portability.table"""

import sys
from pathlib import Path

from tests.portability.claims import CHAPTERS, claims
from tests.portability.configurations import CONFIGURATIONS, ask, missing

PAGE = Path(__file__).with_name("moved.md")
TITLES = dict(zip(CHAPTERS, ("Chapter 01", "Chapter 02", "Chapter 03", "Chapter 04"), strict=True))


def number(value):
    return f"{value:.3g}"


def said(claim):
    """What a claim says, line by line, whatever was measured."""
    lines = [f"### {claim.name}", f"{claim.where}: {claim.says}"]
    lines += [f"| {quantity} | {low:g} to {high:g} |" for quantity, (low, high) in claim.within.items()]
    return lines + [f"In every column: {chain}." for chain in claim.order]


def of_claim(claim, measured):
    """The lines of a claim; measured: {configuration name: {quantity: number}}."""
    lines = [f"### {claim.name}", "", f"{claim.where}: {claim.says}", ""]
    lines += [
        "| | must lie in | " + " | ".join(measured) + " | moved by |",
        "|---" * (len(measured) + 3) + "|",
    ]
    for quantity in next(iter(measured.values())):
        values = [found[quantity] for found in measured.values()]
        low, high = claim.within.get(quantity, (None, None))
        allowed = "" if low is None else f"{low:g} to {high:g}"
        cells = [quantity, allowed, *map(number, values), number(max(values) - min(values))]
        lines.append("| " + " | ".join(cells) + " |")
    if claim.order:
        lines += ["", *(f"In every column: {chain}." for chain in claim.order)]
    return [*lines, ""]


def main():
    chosen = [c for c in CONFIGURATIONS if not c.quick]
    reasons = {c.name: missing(c) for c in chosen}
    found = {}
    for configuration in chosen:
        if reasons[configuration.name] is None:
            print(configuration.name, "...", file=sys.stderr)
            found[configuration.name] = ask(configuration, *CHAPTERS)["measured"]
    lines = [
        "# What moved",
        "",
        "Written by `python -m tests.portability.table`; README.md says how to read it.",
        "",
    ]
    lines += [f"Not measured: {reason}." for reason in reasons.values() if reason]
    for chapter in CHAPTERS:
        lines += ["", f"## {TITLES[chapter]}", ""]
        for claim in claims(chapter):
            lines += of_claim(
                claim, {name: measured[chapter][claim.name] for name, measured in found.items()}
            )
    PAGE.write_text("\n".join(lines).rstrip() + "\n")


if __name__ == "__main__":
    main()
