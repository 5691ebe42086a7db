"""Marks in JupyterLab with a real kernel: dragged, stepped, covered until the guess is made."""

import statistics
from pathlib import Path

ROOT = Path(__file__).parents[2]
CELLS = [
    "from utils.chapters.backprop import explore\nfrom utils.exercises import quiz\n"
    'quiz("01.a", then=explore.worked())',
    f"import sys\nsys.path.insert(0, {str(ROOT)!r})\nfrom tests.explorable.made_up import everything\neverything()",
]
# From a key press to the painted number, in milliseconds.
PRESS = """async (key) => {
    const cell = document.querySelector('[data-key="weight:0,0"]');
    const seen = document.querySelector('[data-key="y:0,0"] text');
    const start = performance.now();
    const changed = new Promise((done) => {
        const watch = new MutationObserver(() => (watch.disconnect(), requestAnimationFrame(() => done(performance.now() - start))));
        watch.observe(seen, { childList: true, characterData: true, subtree: true });
    });
    cell.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
    return await changed;
}"""


def test_a_covered_graph_and_dragged_cells(jupyter, open_lab, run_all):
    page = open_lab(jupyter.put("marks.ipynb", CELLS))
    run_all(page)
    cover = page.get_by_text("The picture is covered")
    cover.wait_for()
    page.locator(".marks-node").nth(2).wait_for()
    assert page.locator(".marks-node").count() == 3  # those of the second cell alone
    page.locator(".card input[value=b]").check()
    page.get_by_role("button", name="Answer").click()
    page.get_by_text("Your guess: w7, next to the outputs").wait_for()
    assert cover.count() == 0 and page.locator(".marks-node").count() == 3 + 14

    page.locator('[data-key="weights:6"] .marks-handle').first.click(position={"x": 130, "y": 1}, force=True)
    page.get_by_text("dL/dw7").first.wait_for()
    page.get_by_role("button", name="take a step", exact=False).first.click()
    page.get_by_text("loss 0.551").first.wait_for()

    page.locator('[data-key="weight:0,0"]').scroll_into_view_if_needed()
    times = [page.evaluate(PRESS, "+-"[k % 2]) for k in range(15)]
    print(f"key to painted, median {statistics.median(times):.0f} ms, most {max(times):.0f} ms")
    assert page.errors == []
