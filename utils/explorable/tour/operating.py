"""Operating an explorable: every control to both ends and back, every button, every kind of element, timed."""

import time
from contextlib import suppress
from pathlib import Path

from .looking import look

OPERATING = (Path(__file__).parent / "operating.js").read_text(encoding="utf-8")
KEYS = 12  # presses that are timed on one control
DRAGGING = 0.8  # seconds
PLAYING = {False: 1500, True: 2600}  # ms of watching a play button, by whether motion is reduced


class Operator:
    """An explorable on a page.

    root: its element;  visit: what is found out, see `visits.Visit`;  budget: seconds for combinations of settings.
    """

    def __init__(self, page, root, visit, budget=8.0, reduced_motion=False):
        self.page, self.root, self.visit = page, root, visit
        self.budget, self.reduced_motion = budget, reduced_motion
        self.acted = {}  # label of a control: whether it ever changed anything
        if page.evaluate("() => typeof globalThis.tour !== 'object'"):
            page.evaluate(f"{OPERATING}; undefined")
        visit.kind, visit.title = self.js("kind"), self.js("title")

    def js(self, function, *arguments):
        """Call a function of operating.js with the root."""
        call = f"([root, ...rest]) => tour.{function}(root, ...rest)"
        return self.page.evaluate(call, [self.root, *arguments])

    def complain(self, kind, words, state=""):
        self.visit.complaints.add(kind, words, state)

    def look(self, state):
        """What is wrong with the looks of the present state."""
        if problem := self.js("unreadable"):
            self.complain("blank", problem, state)
        look(self.page, self.root, self.visit.complaints, state)

    def everything(self):
        """All that a reader could do, in an order that keeps the first key presses new to the cache."""
        self.root.scroll_into_view_if_needed()
        if not self.js("settled"):
            self.complain("dead", "the first picture never comes")
        self.look("as opened")
        for index, control in enumerate(self.js("listed")):
            if control["usable"]:
                self.both_ends(index, control)
        for index, name in enumerate(self.js("named")):
            self.figure(index, name)
        if self.visit.kind == "scene":
            self.picture()
        self.states()
        self.buttons()
        self.leave()

    # --- Controls.

    def both_ends(self, index, control):
        """Timed key presses on a slider; any control at both ends, looked at; fast moves."""
        label, count, start = control["label"], control["count"], control["at"]
        if count < 2:
            return self.complain("dead", f"{label} has one position only")
        if control["kind"] in ("slider", "list", "choice", "switch") and not self.js("rush", index):
            self.complain("stale", f"{label}: after fast moves the picture is not that of the setting")
        if control["kind"] == "slider":
            self.keys(index, count)
        for position in (0, count - 1):
            self.js("put", index, position)
            self.look(f"{label} at {'the first' if position == 0 else 'the last'}")
        self.js("put", index, start)
        return None

    def keys(self, index, count):
        slider = self.root.query_selector_all(".explorable-control")[index].query_selector(
            "input[type=range]"
        )
        slider.focus()
        self.page.keyboard.press("Home")
        self.js("settled")
        for key in ["ArrowRight"] * min(KEYS, count - 1) + ["ArrowLeft"] * min(KEYS // 2, count - 1):
            self.visit.times.note(self.timed(lambda key=key: self.page.keyboard.press(key)))
        if self.visit.times.dragging is None and count >= 8 and self.visit.kind == "scene":
            box = slider.bounding_box()
            ends = [(box["x"] + side * box["width"], box["y"] + box["height"] / 2) for side in (0.05, 0.95)]
            self.visit.times.dragging = self.drag(ends, max(1.0, box["width"] / 40))

    def timed(self, act, event="keydown", most=700):
        """What operating.js measured from the event that `act` causes; None where nothing changed."""
        self.js("arm", event, most)
        act()
        seen = self.page.evaluate("() => tour.armed()")
        self.js("settled")
        return seen

    def drag(self, ends, pixels):
        """Press at the first point, go back and forth between both; pictures a second."""
        (x1, y1), (x2, y2) = ends
        steps = max(2, round(max(abs(x2 - x1), abs(y2 - y1)) / pixels))
        mouse = self.page.mouse
        mouse.move(x1, y1)
        mouse.down()
        self.js("startCounting")
        end, k = time.monotonic() + DRAGGING, 0
        while time.monotonic() < end:
            k += 1
            t = abs((k + steps) % (2 * steps) - steps) / steps
            mouse.move(x1 + (1 - t) * (x2 - x1) if t < 1 else x1, y1 + (1 - t) * (y2 - y1) if t < 1 else y1)
        seen = self.page.evaluate("() => tour.stopCounting()")
        mouse.up()
        self.js("settled")
        return seen["pictures"] / seen["seconds"]

    # --- Marks and pictures.

    def figure(self, index, name):
        """Hover, keys, pointer and clicks on the kinds of elements of one mark."""
        points = self.js("aim", index)
        for point in points:
            self.page.mouse.move(2, 2)
            seen = self.timed(lambda p=point: self.page.mouse.move(p["x"], p["y"]), "pointerover", 200)
            if seen:
                self.visit.times.hover.append(seen["changed"])
        moved = next((point for point in points if point["drags"] and self.nudge(index, point)), None)
        if moved:
            self.keys_on_a_number(index, moved)
            self.ends_of_a_number(index, name, moved)
            self.drag_an_element(index, name, moved)
        elif any(point["drags"] for point in points):
            self.complain("dead", f"{name}: nothing in it can be dragged, though it says so")
        self.clicks(index, name)

    def nudge(self, index, point):
        """A step up or, at its end, down by the keyboard; whether anything changed."""
        self.js("focus", index, point["key"])
        for key in "+-":
            if seen := self.timed(lambda key=key: self.page.keyboard.press(key), most=300):
                self.visit.times.note(seen)
                return True
        return False

    def keys_on_a_number(self, index, point):
        """Timed steps up, most of them new, and back."""
        self.js("focus", index, point["key"])
        for key in "++++++++---":
            self.visit.times.note(self.timed(lambda key=key: self.page.keyboard.press(key), most=300))

    def ends_of_a_number(self, index, name, point):
        """As far down and up as a patient reader would go."""
        for key, words in (("PageDown", "low"), ("PageUp", "high")):
            for _ in range(10 if key == "PageDown" else 20):
                self.js("step", index, point["key"], key)
            self.js("settled")
            self.look(f"{name}: {point['key']} {words}")
        for _ in range(10):
            self.js("step", index, point["key"], "PageDown")
        self.js("settled")

    def drag_an_element(self, index, name, point):
        (now,) = [one for one in self.js("aim", index) if one["key"] == point["key"]][:1]
        self.js("remember", "drag")
        rate = self.drag([(now["x"], now["y"]), (now["x"] + 30, now["y"] - 120)], 5)
        if rate == 0:
            self.complain("dead", f"{name}: keys change it, dragging does not")
        if self.visit.times.dragging is None:
            self.visit.times.dragging = rate
        self.look(f"{name} dragged")

    def clicks(self, index, name):
        """A click on an element that sets a control; in some states it may have nothing to show."""
        if not any(point["picks"] for point in self.js("aim", index)) or self.any_click(index):
            return
        for side in (1, 0):
            self.scramble(side)
            if self.any_click(index):
                return self.complain("idle", f"{name}: clicks on it do nothing", "as opened")
        return self.complain("dead", f"{name}: clicks on it change nothing")

    def any_click(self, index):
        return any(self.click(point) for point in self.js("aim", index) if point["picks"])

    def click(self, point):
        self.js("remember", "click")
        self.page.mouse.click(point["x"], point["y"])
        self.js("settled")
        return self.js("changed", "click")

    def picture(self):
        """Where the pointer becomes a cross over a picture, a click must change something."""
        image = self.root.query_selector("img")
        image.scroll_into_view_if_needed()
        box = image.bounding_box()
        places = [(u / 9, v / 7) for v in range(1, 7) for u in range(1, 9)]
        points = [{"x": box["x"] + u * box["width"], "y": box["y"] + v * box["height"]} for u, v in places]
        hits = []
        for point in points:
            seen = self.timed_hover(point)
            if seen:
                self.visit.times.hover.append(seen)
            if image.evaluate("image => image.style.cursor") == "crosshair":
                hits.append(point)
        chosen = hits[:: max(1, len(hits) // 5)]
        if chosen and not any(self.click(point) for point in chosen):
            self.complain("dead", "clicks on the picture change nothing, though the pointer is a cross")

    def timed_hover(self, point):
        """Only pictures that follow the pointer change; the others are not waited for."""
        self.js("arm", "pointermove", 40)
        self.page.mouse.move(point["x"], point["y"])
        self.js("settled")
        seen = self.page.evaluate("() => tour.armed()")
        return seen["changed"] if seen and not seen["live"] else None

    # --- Combinations: a control may have nothing to say in one state, but not in all.

    def states(self):
        """Every control in the start, in every preset, with every other choice; then, if it was dead so far, at more ends."""
        end = time.monotonic() + self.budget
        self.try_all("as opened", end, always=True)
        for button in self.named_buttons("preset"):
            self.js("press", button["index"])
            self.try_all(button["name"], end)
        controls = self.js("listed")
        for index, control in enumerate(controls):
            many = control["kind"] in ("choice", "list", "switch")
            for position in range(control["count"]) if many and control["usable"] else ():
                self.js("put", index, position)
                self.try_all(f"{control['label']} {position + 1} of {control['count']}", end, leave_out=index)
            self.js("put", index, control["at"])
        self.try_dead_ones(controls)
        self.sum_up()

    def sum_up(self):
        """What never acted is dead, and no longer called idle."""
        dead = [label for label, acted in self.acted.items() if not acted]
        idle = {f"{label} does nothing" for label in dead}
        complaints = self.visit.complaints
        complaints[:] = [one for one in complaints if one.kind != "idle" or one.words not in idle]
        for label in dead:
            self.complain("dead", f"{label} changes nothing at any position")

    def try_all(self, state, end, leave_out=None, always=False):
        for index, control in enumerate(self.js("listed")):
            if not control["usable"] or control["count"] < 2 or index == leave_out:
                continue
            if time.monotonic() > end and not always:
                self.visit.cut_short = True
                return
            acted = self.try_one(index, control["label"], state)
            if not acted:
                self.complain("idle", f"{control['label']} does nothing", state)

    def try_one(self, index, label, state):
        seen = self.js("acts", index)
        for problem, place in seen["problems"]:
            self.complain("blank", problem, f"{state}, {place}")
        self.acted[label] = self.acted.get(label, False) or seen["changed"]
        return seen["changed"]

    def try_dead_ones(self, controls):
        for index, control in enumerate(controls):
            for other, further in enumerate(controls):
                if other == index or self.acted.get(control["label"], True):
                    continue
                for position in {0, further["count"] // 2, further["count"] - 1}:
                    self.js("put", other, position)
                    self.try_one(index, control["label"], "")
                self.js("put", other, further["at"])

    # --- Buttons.

    def named_buttons(self, use):
        return [one for one in self.js("buttons") if one["use"] == use and one["usable"]]

    def scramble(self, side):
        """All controls at one end, and a step in every number that can be dragged."""
        for index, control in enumerate(self.js("listed")):
            if control["usable"]:
                self.js("put", index, side * (control["count"] - 1))
        for index, _ in enumerate(self.js("named")):
            for point in [one for one in self.js("aim", index) if one["drags"]][:2]:
                self.js("step", index, point["key"], "+-"[side])
        self.js("settled")

    def buttons(self):
        for button in self.named_buttons("preset"):
            changed = False
            for side in (1, 0):
                self.scramble(side)
                changed = changed or self.press(button)
            self.look(button["name"])
            if not changed:
                self.complain("dead", f"the button {button['name']!r} changes nothing")
        for button in self.named_buttons("action"):
            self.action(button)
        for button in self.named_buttons("step"):
            self.step(button)
        for button in self.named_buttons("play"):
            self.play(button)

    def press(self, button):
        seen = self.js("press", button["index"])
        if seen["problem"]:
            self.complain("blank", seen["problem"], button["name"])
        return seen["changed"]

    def action(self, button):
        """An action may have nothing left to do, but not in every preset."""
        changed = self.press(button)
        for preset in self.named_buttons("preset"):
            if not changed:
                self.js("press", preset["index"])
                changed = self.press(button)
        if not changed:
            self.complain("dead", f"the button {button['name']!r} changes nothing")

    def step(self, button):
        control = self.js("listed")[button["control"]]
        back = button["name"].endswith("back")
        self.js("put", button["control"], control["count"] - 1 if back else 0)
        before = self.js("listed")[button["control"]]["at"]
        self.press(button)
        if self.js("listed")[button["control"]]["at"] == before and control["count"] > 1:
            self.complain("dead", f"the button {button['name']!r} does not step")

    def play(self, button):
        if button["control"] >= 0:
            self.js("put", button["control"], 0)
        else:
            for preset in self.named_buttons("preset")[:1]:
                self.js("press", preset["index"])
        if not self.js("play", button["index"], PLAYING[self.reduced_motion]):
            self.complain("dead", f"the button {button['name']!r} plays nothing")

    def leave(self):
        """Away from the start, so that coming back has something to find."""
        self.page.mouse.move(2, 2)
        with suppress(StopIteration):
            for preset in self.named_buttons("preset")[:1]:
                self.js("press", preset["index"])
            index, control = next(pair for pair in enumerate(self.js("listed")) if pair[1]["usable"])
            self.js("put", index, control["count"] - 1)
        self.js("settled")
        self.page.evaluate("() => document.activeElement?.blur()")
        self.look("as left")
