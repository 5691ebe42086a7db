"""The page that the tour writes: a table of times, and for each thing its pictures and what is wrong with it."""

from html import escape

from .complaints import KINDS
from .latencies import row

LOOK = """
body { max-width: 72rem; margin: 2rem auto; padding: 0 1rem; font: 15px/1.5 system-ui, sans-serif; color: #1f2328; background: #fff; }
table { border-collapse: collapse; } th, td { padding: 2px 12px 2px 0; text-align: left; vertical-align: top; }
td.number { text-align: right; font-variant-numeric: tabular-nums; } .over { color: #a84a00; font-weight: 600; }
figure { display: inline-block; margin: 0 1rem 1rem 0; vertical-align: top; max-width: 100%; } figcaption { color: #57606a; }
img { max-width: 100%; border: 1px solid #c4c9cf; } h3 { margin-top: 2rem; } .hard { color: #a84a00; font-weight: 600; }
"""
HEADS = ("", "live", "baked or seen", "hover", "pictures a second")


def counted(visits):
    """{kind: how many complaints}, in the order of KINDS, without those that nobody has."""
    found = [complaint.kind for visit in visits for complaint in visit.complaints]
    return {kind: found.count(kind) for kind in KINDS if kind in found}


def timetable(visits):
    """[(name, kind, cells)] of every explorable."""
    drawn = [visit for visit in visits if visit.kind in ("marks", "scene")]
    return [(visit.name, visit.kind, row(visit.kind, visit.times)) for visit in drawn]


def as_text(visits):
    """The table of times and all complaints, for a terminal."""
    lines = [
        "",
        f"{'milliseconds, median / 95th percentile':58} {'live':>11} {'baked':>9} {'hover':>9} {'pictures/s':>11}",
    ]
    for name, kind, cells in timetable(visits):
        words = [text + ("*" if good is False else " ") for text, good in cells]
        lines.append(f"{name[:50]:50} {kind:7} {words[0]:>11} {words[1]:>9} {words[2]:>9} {words[3]:>11}")
    lines += ["* beyond the bar", ""]
    for visit in visits:
        if visit.complaints:
            lines += [visit.name, *(f"  {'! ' if one.hard else '  '}{one}" for one in visit.complaints)]
    return "\n".join([*lines, "", summary(visits)])


def summary(visits):
    """One line: how many complaints of which kinds."""
    counts = counted(visits)
    hard = sum(count for kind, count in counts.items() if KINDS[kind][0])
    listed = ", ".join(f"{count} {kind}" for kind, count in counts.items()) or "none"
    return f"Complaints: {listed}; {hard} of them hard."


def as_html(visits, settings):
    """The whole page."""
    head = f"The tour: {settings.app}, {settings.theme}, {settings.width} px"
    head += ", forced colours" * settings.forced_colors + ", reduced motion" * settings.reduced_motion
    body = [f"<h1>{head}</h1><p>{escape(summary(visits))}</p>", kinds(visits), times(visits)]
    for visit in visits:
        if visit.kind == "notebook":
            body.append(f"<h2>{escape(visit.title)}</h2><p>All cells ran in {visit.seconds:.0f} s.</p>")
            body.append(listed(visit))
        elif visit.complaints or visit.kind in ("marks", "scene"):
            body.append(section(visit))
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{head}</title>'
        f"<style>{LOOK}</style></head>\n<body>\n" + "\n".join(body) + "\n</body></html>\n"
    )


def kinds(visits):
    rows = (
        f'<tr><td class="number">{count}</td><td class="{"hard" if KINDS[kind][0] else ""}">{kind}</td><td>{KINDS[kind][1]}</td></tr>'
        for kind, count in counted(visits).items()
    )
    return f"<table>{''.join(rows)}</table>"


def times(visits):
    """The table of times; what is beyond its bar is in vermilion."""
    mark = lambda text, good: f'<td class="number{" over" if good is False else ""}">{text}</td>'
    rows = (
        f"<tr><td>{escape(name)} <small>{kind}</small></td>{''.join(mark(*cell) for cell in cells)}</tr>"
        for name, kind, cells in timetable(visits)
    )
    heads = "".join(f"<th>{head}</th>" for head in HEADS)
    bars = (
        "Milliseconds, median / 95th percentile. Live: a key press to its paint, bars 30 / 60 for marks and 60 / 120 for "
        "scenes; baked, or seen before, and hover: to the changed page, 10; at least 30 pictures a second while dragging."
    )
    return f"<h2>Times</h2><p>{bars}</p><table><tr>{heads}</tr>{''.join(rows)}</table>"


def listed(visit):
    line = lambda one: f'<li class="{"hard" if one.hard else ""}">{escape(str(one))}</li>'
    return f"<ul>{''.join(map(line, visit.complaints))}</ul>" if visit.complaints else ""


def section(visit):
    short = ", not all combinations" if visit.cut_short else ""
    head = f"<h3>{escape(visit.name)} <small>{visit.kind}, {visit.seconds:.0f} s{short}</small></h3>"
    drawn = (
        f'<figure><figcaption>{escape(caption)}</figcaption><a href="{file}"><img src="{file}" alt="{escape(caption)}" loading="lazy"></a></figure>'
        for caption, file in visit.pictures
    )
    return head + listed(visit) + "".join(drawn)
