// What the tour does to an explorable inside the page: it moves controls, waits for the answer, and compares what is shown.

globalThis.tour = (() => {
  const pause = (ms) => new Promise((done) => setTimeout(done, ms));
  // after the next paint: a task that comes once the frame is out
  const painted = () =>
    new Promise((done) =>
      requestAnimationFrame(() => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => done();
        port2.postMessage(0);
      }),
    );
  const inSight = (element) => element.checkVisibility({ visibilityProperty: true });
  const words = (root, part) => root.querySelector(`.explorable-${part}`)?.textContent.trim() ?? "";
  const imageOf = (root) => root.querySelector("img");
  const stageOf = (root) => imageOf(root) ?? root.querySelector(".marks");

  // The engine says on its root while it waits for the kernel.
  async function settled(root, most = 20_000) {
    const end = performance.now() + most;
    do await pause(2);
    while ("waiting" in root.dataset && performance.now() < end);
    const image = imageOf(root);
    if (image && !image.complete) await image.decode().catch(() => {});
    return !("waiting" in root.dataset);
  }

  // --- Controls, whatever they are made of: {label, kind, count, at, set(position)}. ---
  const fire = (element, type) => element.dispatchEvent(new Event(type, { bubbles: true }));
  const KINDS = {
    slider: ["input[type=range]", (input) => ({
      count: Number(input.max) + 1,
      at: () => Number(input.value),
      set: (position) => ((input.value = position), fire(input, "input")),
    })],
    list: ["select", (select) => ({
      count: select.options.length,
      at: () => select.selectedIndex,
      set: (position) => ((select.selectedIndex = position), fire(select, "change")),
    })],
    choice: ["input[type=radio]", (_, element) => {
      const all = [...element.querySelectorAll("input[type=radio]")];
      return { count: all.length, at: () => all.findIndex((one) => one.checked), set: (position) => all[position].click() };
    }],
    switch: ["input[type=checkbox]", (input) => ({
      count: 2,
      at: () => Number(input.checked),
      set: (position) => input.checked !== Boolean(position) && input.click(),
    })],
    text: ["input[type=text]", (input) => {
      const texts = [input.value, input.value.slice(0, input.value.length / 2), `${input.value} ${input.value}`.slice(0, input.maxLength)];
      return {
        count: 3,
        at: () => Math.max(0, texts.indexOf(input.value)),
        set: (position) => ((input.value = texts[position]), fire(input, "input")),
      };
    }],
    drawing: ["canvas", (canvas, element) => {
      let at = 0;
      const keys = [[], [" "], ["ArrowRight", " ", "ArrowDown", " "]];
      const press = (key) => canvas.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
      const clear = () => element.querySelector("button").click();
      return { count: 3, at: () => at, set: (position) => (clear(), keys[position].forEach(press), (at = position)) };
    }],
  };
  const built = new WeakMap();
  function controlOf(element) {
    if (built.has(element)) return built.get(element);
    const kind = Object.keys(KINDS).find((name) => element.querySelector(KINDS[name][0]));
    if (!kind) return null;
    const [selector, make] = KINDS[kind];
    const label = element.querySelector("label:not(.explorable-segments label), legend, .explorable-head span")?.textContent;
    const control = { kind, element, label: (label ?? element.textContent).trim(), ...make(element.querySelector(selector), element) };
    built.set(element, control);
    return control;
  }
  const controls = (root) => [...root.querySelectorAll(".explorable-control")].map(controlOf).filter(Boolean);
  const usable = ({ element }) => inSight(element) && !element.querySelector(":is(input, select, canvas):disabled") && !element.closest(":disabled");
  const listed = (root) =>
    controls(root).map((control) => ({ label: control.label, kind: control.kind, count: control.count, at: control.at(), usable: usable(control) }));
  async function put(root, index, position) {
    controls(root)[index].set(position);
    await settled(root);
  }

  // --- What is shown: the read-out, the numbers and shapes of marks, the pixels of a picture. ---
  const PASSING = new Set(["class", "tabindex", "aria-label", "id", "clip-path"]);
  const OWN = ["marks-unknown", "marks-returned", "marks-follow", "marks-negative"];
  function drawn(stage) {
    const parts = [];
    for (const element of stage.querySelectorAll("svg *")) {
      for (const { name, value } of element.attributes) if (!PASSING.has(name)) parts.push(value);
      for (const name of OWN) if (element.classList.contains(name)) parts.push(name);
      if (!element.children.length) parts.push(element.textContent);
    }
    for (const canvas of stage.querySelectorAll("canvas")) parts.push(canvas.toDataURL());
    return parts.join("|");
  }
  const board = new OffscreenCanvas(1, 1);
  const brush = board.getContext("2d", { willReadFrequently: true });
  function pixelsOf(image) {
    if (!image.naturalWidth) return null;
    [board.width, board.height] = [image.naturalWidth, image.naturalHeight];
    brush.drawImage(image, 0, 0);
    return brush.getImageData(0, 0, board.width, board.height).data;
  }
  const luma = (data, k) => 0.3 * data[k] + 0.6 * data[k + 1] + 0.1 * data[k + 2];
  function print(root) {
    const image = imageOf(root);
    const marks = root.querySelector(".marks");
    return { text: words(root, "readout"), drawn: marks ? drawn(marks) : "", pixels: image && pixelsOf(image) };
  }
  // A frame that was compressed with loss differs from the same one without: a few shades do not count.
  function differ(one, other) {
    if (one.text !== other.text || one.drawn !== other.drawn) return true;
    const [a, b] = [one.pixels, other.pixels];
    if (!a || !b) return Boolean(a) !== Boolean(b);
    if (a.length !== b.length) return true;
    let count = 0;
    for (let k = 0; k < a.length; k += 4) {
      if (Math.abs(luma(a, k) - luma(b, k)) > 40 && ++count > 8) return true;
    }
    return false;
  }
  // Why the reader sees nothing, or nothing that can be read; empty where all is well.
  function unreadable(root) {
    if (words(root, "alert")) return `the page says: ${words(root, "alert")}`;
    const image = imageOf(root);
    if (image) {
      const data = pixelsOf(image);
      if (!data) return "the picture cannot be loaded";
      let other = 0;
      for (let k = 4; k < data.length; k += 4) if (Math.abs(luma(data, k) - luma(data, 0)) > 8) other += 1;
      return other < data.length / 4 / 5000 ? "the picture is of one colour" : "";
    }
    const marks = root.querySelector(".marks");
    if (!marks || !marks.querySelector(".marks-figure")) return "there is no picture";
    for (const figure of marks.querySelectorAll(".marks-figure")) {
      const name = figure.querySelector("figcaption")?.textContent || figure.className;
      const { width, height } = figure.getBoundingClientRect();
      if (width < 4 || height < 4) return `${name} has no size`;
      const broken = [...figure.querySelectorAll("svg *")].some((element) =>
        ["d", "x", "y", "cx", "cy", "width", "height"].some((key) => /NaN|undefined|Infinity/.test(element.getAttribute(key) ?? "")));
      if (broken || /NaN|undefined/.test(figure.textContent)) return `${name} draws what is no number`;
      const lines = [...figure.querySelectorAll("path.marks-line")];
      const shapes = figure.querySelectorAll(".marks-dot, .marks-cell, .marks-fill, .marks-node, math, pre, canvas");
      if (lines.length && !shapes.length && lines.every((line) => !(line.getAttribute("d") ?? "").includes("L"))) return `${name} has no line`;
    }
    return "";
  }

  // --- Whether anything changes while a control goes to some positions; it goes back afterwards. ---
  async function moves(root, index, positions, problems) {
    const control = controls(root)[index];
    const before = control.at();
    let [first, changed] = [print(root), false];
    for (const position of positions) {
      if (position === before) continue;
      await put(root, index, position);
      const problem = unreadable(root);
      if (problem) problems.push([problem, `${control.label}, position ${position}`]);
      if ((changed = differ(first, print(root)))) break;
    }
    await put(root, index, before);
    return changed;
  }
  const spread = (count, most) => [...new Set(Array.from({ length: Math.min(count, most) }, (_, k) => Math.round((k * (count - 1)) / (Math.min(count, most) - 1))))];
  async function acts(root, index, most = 24) {
    const problems = [];
    const { count } = controls(root)[index];
    const changed = (await moves(root, index, spread(count, 3), problems)) || (count > 3 && (await moves(root, index, spread(count, most), problems)));
    return { changed, problems };
  }
  // A button: whether pressing it changed anything.
  async function press(root, button) {
    const before = print(root);
    button.click();
    await settled(root);
    return { changed: differ(before, print(root)), problem: unreadable(root) };
  }
  // Many settings in a row without waiting; then whether the picture is that of the last one. Few places, so that most
  // stay new to the cache, and the first one is still on its way when the last is set.
  async function rush(root, index) {
    const control = controls(root)[index];
    const [before, last] = [control.at(), control.count - 1];
    for (let k = 0; k < 12; k++) control.set([last, last >> 1, 0][k % 3]);
    control.set(before);
    const inTime = await settled(root);
    const rushed = print(root);
    await put(root, index, before ? before - 1 : Math.min(1, last));
    await put(root, index, before);
    return inTime && control.at() === before && !differ(rushed, print(root));
  }
  const play = async (root, button, ms) => {
    let [seen, changes] = [print(root), 0];
    button.click();
    const end = performance.now() + ms;
    while (performance.now() < end && changes < 2) {
      await pause(20);
      const now = print(root);
      if (differ(seen, now)) [seen, changes] = [now, changes + 1];
    }
    if (button.ariaLabel?.startsWith("pause")) button.click();
    await settled(root);
    return changes;
  };

  // --- Times. From the event to the changed page, and to the paint after it. ---
  const SHOWN = ["src", "d", "x", "y", "cx", "cy", "x1", "x2", "width", "height", "style"];
  let armed = Promise.resolve(null);
  function arm(root, type = "keydown", most = 1500) {
    const stage = stageOf(root);
    armed = new Promise((done) => {
      let [start, live, over] = [null, false, false];
      const hear = (event) => (start ??= type === "keydown" ? event.timeStamp : performance.now());
      root.addEventListener(type, hear, { capture: true });
      const asked = new MutationObserver(() => (live = true));
      asked.observe(root, { attributeFilter: ["data-waiting"] });
      const hover = type !== "keydown";
      const watch = new MutationObserver(async () => {
        if (start === null || over) return;
        over = true;
        root.getBoundingClientRect(); // styles and layout are part of the change
        const changed = performance.now() - start;
        if (imageOf(root)) await imageOf(root).decode().catch(() => {});
        await painted();
        end({ changed, painted: performance.now() - start, live: live || "waiting" in root.dataset });
      });
      watch.observe(stage, hover ? { subtree: true, attributeFilter: ["class", "src"] } : { subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: SHOWN });
      const end = (result) => {
        root.removeEventListener(type, hear, { capture: true });
        for (const observer of [asked, watch]) observer.disconnect();
        done(result);
      };
      setTimeout(end, most, null);
    });
  }
  // Pictures that were painted between start and stop.
  let count = null;
  function startCounting(root) {
    const state = (count = { pictures: 0, dirty: false, start: performance.now(), on: true });
    state.watch = new MutationObserver(() => (state.dirty = true));
    state.watch.observe(stageOf(root), { subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: SHOWN });
    const next = () => {
      if (state.dirty) state.pictures += 1;
      state.dirty = false;
      if (state.on) requestAnimationFrame(next);
    };
    requestAnimationFrame(next);
  }
  function stopCounting() {
    count.on = false;
    count.watch.disconnect();
    return { pictures: count.pictures, seconds: (performance.now() - count.start) / 1000 };
  }

  // --- Elements of marks: of each kind in each figure the first, the one in the middle and the last, and where they are. ---
  const KIND_OF = ["marks-cell", "marks-node", "marks-dot", "marks-line", "marks-element"];
  const figures = (root) => [...root.querySelectorAll(".marks-figure")];
  function pointOn(element) {
    if (element.getTotalLength && element.localName === "path") {
      const length = element.getTotalLength();
      const point = element.getPointAtLength(0.45 * length).matrixTransform(element.getScreenCTM());
      return [point.x, point.y];
    }
    const box = (element.querySelector(".marks-handle") ?? element.querySelector("rect, circle") ?? element).getBoundingClientRect();
    return [(box.left + box.right) / 2, (box.top + box.bottom) / 2];
  }
  function aim(root, index) {
    const figure = figures(root)[index];
    figure.scrollIntoView({ block: "center", behavior: "instant" });
    const groups = Map.groupBy(figure.querySelectorAll("[data-key]"), (element) => KIND_OF.find((name) => element.classList.contains(name)) ?? "other");
    return [...groups].flatMap(([kind, all]) =>
      [...new Set([all[0], all[all.length >> 1], all.at(-1)])].map((element) => {
        const [x, y] = pointOn(element);
        const drags = Boolean(element.closest(".marks-drag"));
        return { kind, key: element.dataset.key, x, y, drags, picks: Boolean(element.closest(".marks-pick")) };
      }));
  }
  const named = (root) => figures(root).map((figure) => figure.querySelector("figcaption")?.firstChild?.data || figure.className.replace("marks-figure ", ""));
  const lit = (root, key) => [...root.querySelectorAll(".marks-lit")].some((element) => element.dataset.key === key);
  function focus(root, index, key) {
    figures(root)[index].querySelector(`[data-key="${key}"]`).focus({ preventScroll: true });
  }
  const step = (root, index, key, name) =>
    figures(root)[index].querySelector(`[data-key="${key}"]`).dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true }));

  // --- Buttons by what they are for. ---
  const buttons = (root) =>
    [...root.querySelectorAll("button")].map((element, index) => {
      const name = element.ariaLabel ?? element.textContent.trim();
      const icon = element.classList.contains("explorable-icon");
      const use = icon ? (/^(play|pause) /.test(name) ? "play" : "step") : element.closest(".explorable-actions") ? "action" : element.closest(".explorable-presets") ? "preset" : "other";
      const slider = icon && element.closest(".explorable-control");
      const control = slider ? controls(root).findIndex(({ element: one }) => one === slider) : -1;
      return { index, name, use, control, usable: inSight(element) && !element.matches(":disabled") };
    });
  const buttonAt = (root, index) => root.querySelectorAll("button")[index];

  // What is shown is remembered under a name, and compared later.
  const prints = new Map();
  const remember = (root, name = "") => void prints.set(name, print(root));
  const changed = (root, name = "") => differ(prints.get(name), print(root));

  return {
    settled, listed, put, unreadable, acts, rush, arm, armed: () => armed, startCounting, stopCounting,
    aim, named, lit, focus, step, buttons, remember, changed,
    press: (root, index) => press(root, buttonAt(root, index)), play: (root, index, ms) => play(root, buttonAt(root, index), ms),
    kind: (root) => (root.querySelector(".marks") ? "marks" : "scene"), title: (root) => root.querySelector("strong")?.textContent ?? "",
    baked: (root) => Boolean(root.closest("[data-explorable]")),
  };
})();
