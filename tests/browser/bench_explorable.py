"""How fast an explorable follows in JupyterLab: key press to picture. Run: pytest tests/browser/bench_explorable.py -n 0 -s

The bars, on two cores: a median of 60 ms live and 10 ms baked.
"""

import statistics
from pathlib import Path

SOURCE = (Path(__file__).parents[1] / "benchmarks" / "bench_explorable.py").read_text()

# From the key press until the <img> has its new src, in milliseconds.
PRESS = """async (key) => {
    const image = document.querySelector(".explorable img");
    const slider = document.querySelector(".explorable input");
    const start = performance.now();
    const changed = new Promise((done) => {
        const watch = new MutationObserver(() => (watch.disconnect(), done(performance.now() - start)));
        watch.observe(image, { attributes: true, attributeFilter: ["src"] });
    });
    slider[key === "up" ? "stepUp" : "stepDown"]();
    slider.dispatchEvent(new Event("input"));
    return changed;
}"""


def presses(page, key, count):
    return [page.evaluate(PRESS, key) for _ in range(count)]


def test_key_to_picture(jupyter, open_lab, run_all):
    page = open_lab(jupyter.put("speed.ipynb", [SOURCE, "explorable()"]))
    run_all(page)
    live = presses(page, "up", 19)
    seen = presses(page, "down", 19)
    page.context.close()

    page = open_lab(jupyter.put("baked.ipynb", [SOURCE, "explorable().bake()"]))
    run_all(page)
    baked = presses(page, "up", 19)
    for name, times in {"live": live, "seen before": seen, "baked": baked}.items():
        print(f"{name}: median {statistics.median(times):.1f} ms, slowest {max(times):.1f} ms")
    assert len(live) == len(baked) == 19
