"""cards.js in Chromium, by itself: one page plays all scenes and writes down what a reader would see."""

import json
import os
import re
import shutil
import subprocess
from html import unescape

import numpy as np
import pytest

from tests.exercises import invention
from utils.exercises import quiz
from utils.exercises.detective.opening import OPERATIONS, open_case
from utils.widgets import SCRIPTS, STYLES, joined

pytestmark = pytest.mark.browser

# A model as anywidget gives it, and what a reader does: choose, type, press, read.
STAGE = """
const states = JSON.parse(document.querySelector("#states").textContent);
function open(state) {
  const heard = {}, sent = [], saved = [];
  const context = { model: { setMetadata() {} }, saveState: { connect() {} } };
  const model = {
    widget_manager: { context },
    get: (name) => state[name],
    set: (name, value) => { state[name] = value; },
    save_changes: () => saved.push({ ...state }),
    send: (message) => sent.push(structuredClone(message)),
    on: (name, action) => { heard[name] = action; },
    off: (name) => { delete heard[name]; },
  };
  const el = document.body.appendChild(document.createElement("div"));
  if (state.restored) el.className = "jupyter-widgets-disconnected";
  KINDS[state.kind]({ model, el });
  const find = (selector) => el.querySelector(selector);
  const press = (text) => [...el.querySelectorAll("button")].find((b) => b.textContent === text).click();
  const answer = () => find(".card-answer").innerText.trim().replace(/\\n+/g, "\\n");
  const hear = (next) => { state.state = next; heard["change:state"](); };
  const asleep = () => !find(".card-asleep").hidden && find(".card-asleep").textContent;
  const changed = () => Boolean(context.model.dirty);
  return { el, find, press, answer, hear, sent, saved, state, heard, asleep, changed };
}
const copy = (name) => structuredClone(states[name]);
const type = (scene, text) => { scene.find("input").value = text; scene.press("Answer"); return scene.answer(); };
const scenes = {
  choice() {
    const scene = open(copy("choice"));
    const before = scene.answer();
    scene.press("Answer");
    const nothing = scene.answer();
    scene.find("input[value=a]").click();
    const untold = scene.answer();
    scene.press("Answer");
    const wrong = scene.answer(), tone = scene.find(".card-answer").className;
    scene.find("input[value=b]").click();
    scene.press("Answer");
    return { before, nothing, untold, wrong, tone, right: scene.answer(), given: scene.saved.map((s) => s.given) };
  },
  again() {
    const scene = open({ ...copy("choice"), given: "b" });
    return { checked: scene.find("input[value=b]").checked, answer: scene.answer(), changed: scene.changed() };
  },
  asleep() {
    const scene = open({ ...copy("choice"), given: "b", restored: true });
    const before = { answer: scene.answer(), asleep: scene.asleep(), changed: scene.changed() };
    scene.find("input[value=a]").click();
    scene.press("Answer");
    return { before, answer: scene.answer(), changed: scene.changed() };
  },
  fallen_asleep() {
    const scenes = ["choice", "board"].map((name) => open(copy(name)));
    const before = scenes.map((scene) => scene.asleep());
    for (const { el, heard } of scenes) {
      el.className = "jupyter-widgets-disconnected";
      heard["comm_live_update"]();
    }
    return { before, after: scenes.map((scene) => scene.asleep()) };
  },
  number() {
    const scene = open(copy("number"));
    const texts = ["", "abc", "1/4", "0,25", "0.5", "\u22123", "1/0", "1/2/3", "7e9", " .25 ", "1/", "NaN"];
    return Object.fromEntries(texts.map((text) => [text, type(scene, text)]));
  },
  keys() {
    const scene = open(copy("number"));
    const key = (key) => scene.find("input").dispatchEvent(new KeyboardEvent("keydown", { key, cancelable: true }));
    scene.find("input").value = "0.25";
    const typed = key("5"), before = scene.answer();
    return { typed, before, enter: key("Enter"), after: scene.answer() };
  },
  reachable() {
    const scenes = ["choice", "number", "board"].map((name) => open(copy(name)));
    const focusable = scenes.flatMap((scene) => [...scene.el.querySelectorAll("input, button")]);
    const unnamed = focusable.filter((one) => !(one.getAttribute("aria-label") || one.labels?.length || one.textContent));
    const silent = scenes.filter((scene) => !scene.find("[role=status], [role=log]"));
    return {
      count: focusable.length,
      swallowed: focusable.filter((one) => one.dataset.lmSuppressShortcuts !== "true").length,
      unnamed: unnamed.length,
      silent: silent.length,
    };
  },
  code() {
    return open(copy("choice")).find("fieldset code").textContent;
  },
  board() {
    const scene = open(copy("board"));
    const cells = () => [...scene.el.querySelectorAll("input[type=number]")].map((field) => field.value);
    const shown = [cells()];
    scene.press("a single one");
    shown.push(cells());
    scene.press("a single one");
    shown.push(cells());
    scene.press("random");
    shown.push(cells());
    scene.press("ones");
    scene.find("input[type=number]").value = "";
    scene.press("What comes back?");
    scene.find("input[type=checkbox]").click();
    scene.press("What should? (finite differences)");
    scene.press("Accuse");
    scene.find("input[value=c]").click();
    scene.press("Accuse");
    return { shown, sent: scene.sent, columns: getComputedStyle(scene.find(".card-grid")).gridTemplateColumns.split(" ").length };
  },
  progress() {
    const scene = open(copy("board"));
    const state = scene.state.state;
    const entry = (head) => ({ head, body: [[false, "with `code`"], [true, "a  `b`"]], tone: "right" });
    scene.hear({ ...state, left: 0, log: [entry("one")] });
    const first = scene.find(".card-log").firstChild;
    scene.hear({ ...state, left: 0, closed: true, log: [entry("one"), entry("two")] });
    const log = scene.find(".card-log");
    const seen = {
      heads: [...log.children].map((one) => one.firstChild.textContent), kept: log.firstChild === first,
      code: log.querySelector("code").textContent, table: log.querySelector("pre").textContent,
      disabled: [...scene.el.querySelectorAll("button:disabled")].map((b) => b.textContent),
      next: !scene.find(".card-next").hidden, left: scene.find(".card-left").textContent,
    };
    scene.press("Next case");
    scene.hear({ ...state, head: "another", log: [] });
    seen.after = { sent: scene.sent, log: log.children.length, next: !scene.find(".card-next").hidden,
                   head: scene.find("strong").textContent };
    return seen;
  },
  left_board() {
    const scene = open(copy("board"));
    const untouched = scene.changed();
    scene.press("a single one");
    scene.find("input[value=c]").click();
    scene.find("input[type=checkbox]").click();
    const { left } = scene.state;
    const entry = { head: "one", body: [[false, "text"]], tone: "right" };
    const seen = (again) => ({
      fields: [...again.el.querySelectorAll("input[type=number]")].map((field) => field.value),
      accused: again.find("input[type=radio]:checked")?.value, other: again.find("input[type=checkbox]").checked,
    });
    const state = { ...scene.state.state, log: [entry] };
    const again = open({ ...copy("board"), left: structuredClone(left), state, restored: true });
    again.press("What comes back?");
    again.press("ones");
    const next = open({ ...copy("board"), left: structuredClone(left), state: { ...state, head: "another" } });
    return {
      untouched, changed: scene.changed(), again: seen(again), next: seen(next), sent: again.sent.length,
      enabled: again.el.querySelectorAll("input:enabled, button:enabled").length, asleep: again.asleep(),
      log: again.find(".card-log").innerText,
    };
  },
  escaped() {
    const state = copy("choice");
    state.spec.choices = [["a", "<img src=x onerror=alert(1)> `<b>`"]];
    return open(state).find("label span").textContent;
  },
};
const told = {};
for (const [name, play] of Object.entries(scenes)) {
  try { told[name] = play(); } catch (error) { told[name] = `${error}`; }
}
document.querySelector("#told").textContent = JSON.stringify(told);
"""


def browser():
    """The path of Chromium; skips without one, fails where REQUIRE_BROWSER=1 says that there must be one."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if not path:
        stop = pytest.fail if os.environ.get("REQUIRE_BROWSER") == "1" else pytest.skip
        stop("needs Chromium on the PATH, or the environment variable CHROMIUM naming one")
    return path


def states():
    """What travels to the browser for two quizzes and a case, as JSON."""
    operation = next(operation for operation in OPERATIONS if operation.name == "tanh")
    board = open_case(operation, np.random.default_rng(0)).board()
    cards = {"choice": quiz("99.1"), "number": quiz("99.2"), "board": board}
    names = ("kind", "spec", "given", "state")
    return {key: {n: getattr(card, n) for n in names if card.has_trait(n)} for key, card in cards.items()}


@pytest.fixture(scope="module")
def told(tmp_path_factory, request):
    """What the page wrote down, scene by scene."""
    path, folder = browser(), tmp_path_factory.mktemp("cards")
    request.getfixturevalue("invented_for_module")
    (folder / "stage.js").write_text(f"{joined(SCRIPTS)}\n{STAGE}")
    data = json.dumps(states()).replace("<", "\\u003c")
    (folder / "page.html").write_text(
        f"<!doctype html><meta charset=utf-8><style>{joined(STYLES)}</style>"
        f'<script type="application/json" id="states">{data}</script><pre id="told"></pre>'
        '<script type="module" src="stage.js"></script>'
    )
    flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files", "--dump-dom",
             "--virtual-time-budget=5000", f"--user-data-dir={folder / 'profile'}"]  # fmt: skip
    done = subprocess.run(
        [path, *flags, f"file://{folder}/page.html"], capture_output=True, text=True, timeout=60
    )
    found = re.search(r'<pre id="told">(.*?)</pre>', done.stdout, re.DOTALL)
    assert found and found[1], f"the page said nothing\n{done.stderr[-2000:]}"
    return json.loads(unescape(found[1]))


@pytest.fixture(scope="module")
def invented_for_module():
    with pytest.MonkeyPatch.context() as patch:
        invention.add(patch)
        yield


WHY = "Each layer multiplies by at most one quarter."
EITHER_WAY = "The slope in the middle."


def test_a_choice(told):
    seen = told["choice"]
    assert seen["before"] == seen["untold"].replace("Choose one first.", "") == ""
    assert seen["nothing"] == "Choose one first."
    assert seen["wrong"].split("\n") == [
        "It comes out differently. That needs slopes above one. The answer is b: it shrinks.",
        WHY,
    ]
    assert seen["tone"] == "card-answer card-wrong"
    assert seen["right"].split("\n") == ["Right.", WHY]
    assert seen["given"] == ["a", "b"]


def test_a_choice_made_before_is_shown_again(told):
    assert told["again"] == {"checked": True, "answer": f"Right.\n{WHY}", "changed": False}


def test_a_quiz_without_a_kernel_still_answers_and_says_that_nothing_is_recorded(told):
    seen = told["asleep"]
    line = "Run the cell to wake this quiz; until then no answer is recorded."
    assert seen["before"] == {"answer": f"Right.\n{WHY}", "asleep": line, "changed": False}
    assert seen["answer"].startswith("It comes out differently.") and seen["changed"] is True


def test_cards_fall_asleep_with_their_kernel(told):
    assert told["fallen_asleep"]["before"] == [False, False]
    assert [line.startswith("Run the cell") for line in told["fallen_asleep"]["after"]] == [True, True]


def test_a_number(told):
    seen = told["number"]
    for text in ("1/4", "0,25", " .25 "):
        assert seen[text].split("\n") == ["Right.", EITHER_WAY]
    assert "That is the value there. The answer is 0.25." in seen["0.5"]
    for text in ("−3", "7e9"):
        assert seen[text].split("\n") == ["It comes out differently. The answer is 0.25.", EITHER_WAY]
    for text in ("", "abc", "1/0", "1/2/3", "1/", "NaN"):
        assert seen[text] == "Type a number first, such as 0.25 or 1/4."


def test_enter_answers_and_other_keys_type(told):
    assert told["keys"] == {"typed": True, "before": "", "enter": False, "after": f"Right.\n{EITHER_WAY}"}


def test_everything_is_named_and_keeps_its_arrow_keys(told):
    seen = told["reachable"]
    assert seen["count"] > 20
    assert (seen["swallowed"], seen["unnamed"], seen["silent"]) == (0, 0, 0)


def test_code_between_backticks(told):
    assert told["code"] == "neither"


def test_text_is_never_html(told):
    assert told["escaped"] == "<img src=x onerror=alert(1)> <b>"


def test_the_fields_of_the_board(told):
    seen = told["board"]
    ones, first, second, random = seen["shown"]
    assert seen["columns"] == 3 and ones == ["1"] * 6
    assert first == ["1", "0", "0", "0", "0", "0"] and second == ["0", "1", "0", "0", "0", "0"]
    assert {float(text) for text in random} <= {-2, -1.5, -1, -0.5, 0.5, 1, 1.5, 2}
    assert seen["sent"] == [
        {"do": "probe", "dy": [None, 1, 1, 1, 1, 1], "other": False},
        {"do": "measure", "dy": [None, 1, 1, 1, 1, 1], "other": True},
        {"do": "accuse", "letter": "c"},  # the first press had nobody to accuse
    ]


def test_the_board_follows_the_kernel(told):
    seen = told["progress"]
    assert seen["heads"] == ["one", "two"] and seen["kept"] is True
    assert (seen["code"], seen["table"], seen["left"]) == ("code", "a  `b`", "The case is closed.")
    assert seen["disabled"] == ["What comes back?", "What should? (finite differences)", "Accuse"]
    assert seen["next"] is True
    assert seen["after"] == {"sent": [{"do": "new"}], "log": 0, "next": False, "head": "another"}


def test_a_board_is_found_again_as_it_was_left_and_asleep(told):
    seen = told["left_board"]
    assert (seen["untouched"], seen["changed"]) == (False, True)
    assert seen["again"] == {"fields": ["1", "0", "0", "0", "0", "0"], "accused": "c", "other": True}
    assert seen["next"] == {"fields": ["1"] * 6, "other": False}, "another case begins anew"
    assert seen["log"].split() == ["one", "text"]
    assert (seen["sent"], seen["enabled"], seen["asleep"]) == (0, 0, "Run the cell for a case that answers.")
