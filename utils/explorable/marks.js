// Marks, formulas and code; all marks of an explorable on one page, what lights up and what is dragged.

// --- Formulas and code. ---

const MOST_SUMMANDS = 6;

function formula(mark, page) {
  const element = node("div", { className: "marks-formula", innerHTML: mark.mathml });
  for (const term of element.querySelectorAll("[data-of]")) page.registerWhole(term.getAttribute("data-of"), term);
  const numbers = node("div", { className: "marks-numbers" });
  if (mark.of) element.append(numbers);
  let arrays = null;
  const number = (key) => {
    const { data, shape } = arrays[nameOf(key)];
    return written(data[placeOf(key).reduce((at, i, k) => at * shape[k] + i, 0)], mark.digits);
  };
  const term = (key) => {
    const element = made(MATH_SPACE, "mn", {}, number(key));
    element.setAttribute("class", `marks-${page.kinds[nameOf(key)]}`);
    return element;
  };
  const sign = (words) => made(MATH_SPACE, "mo", {}, words);
  function focus(key) {
    const shown = key && nameOf(key) === mark.of ? key : mark.of && keyOf(mark.of, page.axes[mark.of] === 1 ? [0] : [0, 0]);
    if (!shown || !arrays) return;
    const sums = summands(page.links, shown, mark.product, mark.plus);
    const rows = sums.slice(0, MOST_SUMMANDS).map((factors, k) => {
      const parts = factors.flatMap((factor, f) => (f ? [sign("\u22c5"), term(factor)] : [term(factor)]));
      return made(MATH_SPACE, "math", {}, sign(k ? "+" : "="), ...parts);
    });
    if (sums.length > MOST_SUMMANDS) rows.push(made(MATH_SPACE, "math", {}, sign(`+ \u2026 (${sums.length - MOST_SUMMANDS} more)`)));
    numbers.replaceChildren(made(MATH_SPACE, "math", {}, term(shown)), ...rows);
  }
  return { element, focus, show: (found) => ((arrays = found), focus(page.lit)) };
}

function code(mark, page) {
  const lines = mark.text.map((text) => node("span", { textContent: `${text}\n` }));
  for (const [line, name] of mark.lines) (Array.isArray(name) ? page.registerLine : page.registerWhole)(name, lines[line]);
  return { element: node("pre", { className: "marks-code" }, ...lines), show() {} };
}

const DRAWERS = { grid, strip: grid, bars, curve, points: curve, graph, formula, code, layers };

// --- All marks of an explorable on one page.  hooks: change(name, wires), wires(name), live(), arrays by control. ---

function marksPage(spec, hooks) {
  const [elements, wholes, overs, told] = [new Map(), new Map(), new Map(), new Map()];
  const push = (map, key, item) => map.set(key, [...(map.get(key) ?? []), item]);
  let lit = [];
  let shown = null;
  const status = node("div", { className: "marks-status", textContent: "\u00a0" });
  const page = {
    links: spec.links,
    axes: spec.axes,
    kinds: spec.kinds,
    lit: null,
    dragging: false,
    theme: themeNow(),
    // words(value) says what an element is, where its mark and its place do not
    register(key, element, words) {
      element.dataset.key = key;
      if (words) told.set(key, words);
      element.setAttribute("tabindex", -1);
      element.dataset.lmSuppressShortcuts = "true";
      push(elements, key, element);
    },
    registerWhole(name, element) {
      element.addEventListener("pointerenter", () => page.lightAll(name));
      element.addEventListener("pointerleave", () => page.light(null));
      push(wholes, name, element);
    },
    registerLine(keys, element) {
      element.addEventListener("pointerenter", () => page.light(keys[0], keys));
      element.addEventListener("pointerleave", () => page.light(null));
      for (const key of keys) push(elements, key, element);
    },
    registerMark: (name, show) => push(overs, name, show),
    set: (name, wire) => hooks.change(name, wire),
    tellers: {}, // by mark: what is said of an element, where it is more than one number
    light(key, together = null) {
      if (key === page.lit) return;
      page.lit = key;
      const keys = together ?? (key ? [key, ...linked(spec.links, key)] : []);
      mark(keys, key);
      setText(status, key && shown ? spoken(key) : "\u00a0");
      for (const view of views) view.focus?.(key);
    },
    lightAll(name) {
      page.lit = null;
      mark([...elements.keys()].filter((key) => nameOf(key) === name), null);
    },
    roving,
    draggable,
    pickable,
  };
  function mark(keys, own) {
    for (const element of lit) element.classList.remove("marks-lit", "marks-own");
    lit = keys.flatMap((key) => elements.get(key) ?? []);
    for (const element of lit) element.classList.add("marks-lit");
    for (const element of elements.get(own) ?? []) element.classList.add("marks-own");
    const names = new Set(keys.map(nameOf));
    for (const name of names) for (const element of wholes.get(name) ?? []) {
      element.classList.add("marks-lit");
      lit.push(element);
    }
    for (const [name, shows] of overs) for (const show of shows) show(keys.filter((key) => nameOf(key) === name));
  }
  function valueOf(key) {
    const { data, shape } = shown[nameOf(key)];
    return data.length === shape[0] || shape.length === placeOf(key).length ? data[placeOf(key).reduce((at, i, k) => at * shape[k] + i, 0)] : null;
  }
  function spoken(key) {
    const tell = page.tellers[nameOf(key)];
    if (tell) return tell(placeOf(key));
    const value = valueOf(key);
    if (told.has(key)) return told.get(key)(value);
    const label = spec.labels[nameOf(key)] ?? nameOf(key);
    return `${label} [${placeOf(key).join(", ")}]${value === null ? "" : ` = ${Number(value.toPrecision(4))}`}`.replace("-", "\u2212");
  }

  // One tab stop for each mark: arrows move between its elements, + and - change a number that can be dragged.
  // A single point that is dragged along an axis has the arrows for that.
  function roving(picture, { drag, flat: position, along }, rows, columns, get) {
    const alone = drag && along && rows * columns === 1;
    let at = [0, 0];
    get(0, 0).setAttribute("tabindex", 0);
    picture.addEventListener("keydown", (event) => {
      const steps = { "+": 1, "=": 1, "-": -1, PageUp: 10, PageDown: -10 }[event.key];
      const move = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0], Home: [0, -columns], End: [0, columns] }[event.key];
      if (!steps && !move) return;
      event.preventDefault();
      const here = event.target.closest("[data-key]");
      if (steps) return drag && hooks.live() && here && nudge(drag, here.dataset.key, steps, position);
      if (alone && here) {
        const axis = Number(move[0] !== 0);
        const at = () => (hooks.arrays[drag].shape.length === 1 ? 0 : axis);
        return hooks.live() && along.includes("xy"[axis]) && nudge(drag, here.dataset.key, Math.sign(move[1] - move[0]), at);
      }
      get(...at).setAttribute("tabindex", -1);
      at = [Math.min(rows - 1, Math.max(0, at[0] + move[0])), Math.min(columns - 1, Math.max(0, at[1] + move[1]))];
      get(...at).setAttribute("tabindex", 0);
      get(...at).focus();
    });
    picture.addEventListener("focusin", (event) => {
      const element = event.target.closest("[data-key]");
      if (!element) return;
      page.light(element.dataset.key);
      element.setAttribute("aria-label", spoken(element.dataset.key));
    });
    picture.addEventListener("focusout", () => page.light(null));
  }
  const flat = (name, place) => {
    const { shape } = hooks.arrays[name];
    return place.reduce((at, i, k) => at * shape[k] + i, 0);
  };
  const clip = ({ low, high }, wire) => Math.min(high ?? wire, Math.max(low ?? wire, wire));
  function nudge(name, key, steps, position) {
    const control = hooks.arrays[name];
    const wires = [...hooks.wires(name)];
    const place = [...placeOf(key), ...Array(Math.max(0, control.shape.length - placeOf(key).length)).fill(0)];
    const at = position ? position(key) : flat(name, place);
    if (at === undefined) return;
    wires[at] = clip(control, wires[at] + steps);
    hooks.change(name, wires);
  }
  // value(x, y): the numbers that the pointer stands for, in the units of the picture; without it, up and down count.
  function draggable(picture, { of, drag, pick, flat: position }, { cursor, value = null, along = [true, true] }) {
    const control = hooks.arrays[drag];
    picture.classList.add("marks-drag");
    picture.style.setProperty("--marks-cursor", cursor);
    picture.addEventListener("pointerdown", (event) => {
      const element = event.target.closest("[data-key]");
      const place = element && placeOf(element.dataset.key);
      const index = !element ? undefined : position ? position(element.dataset.key) : nameOf(element.dataset.key) === of ? flat(drag, place) : undefined;
      if (index === undefined || !hooks.live()) return;
      event.preventDefault();
      element.focus({ preventScroll: true });
      picture.setPointerCapture(event.pointerId);
      page.dragging = true;
      let moved = false;
      // a range of many fine steps is crossed in as many pixels as one of 120
      const coarse = Math.max(1, Math.round((control.high - control.low) / 120) || 1);
      const before = [...hooks.wires(drag)];
      const move = (now) => {
        moved ||= Math.hypot(now.clientX - event.clientX, now.clientY - event.clientY) > 3;
        if (!moved) return;
        const wires = [...hooks.wires(drag)];
        if (value) {
          const space = picture.ownerSVGElement ?? picture;
          const box = space.getBoundingClientRect();
          const scale = space.viewBox.baseVal.width / box.width;
          const numbers = value((now.clientX - box.left) * scale, (now.clientY - box.top) * scale);
          const found = control.shape.length === 1 ? numbers.filter((_, k) => along[k]) : numbers;
          const at = found.length === 1 ? index : place[0] * found.length;
          found.forEach((number, k) => {
            if (found.length > 1 && !along[k]) return;
            wires[at + k] = clip(control, Math.round(number / control.step));
          });
        } else {
          wires[index] = clip(control, before[index] + coarse * Math.round((event.clientY - now.clientY) / DRAG_PIXELS));
        }
        if (wires.some((wire, k) => wire !== hooks.wires(drag)[k])) hooks.change(drag, wires);
      };
      const end = () => {
        picture.removeEventListener("pointermove", move);
        page.dragging = false;
        // the click of a captured pointer does not reach the element
        if (!moved && pick) hooks.change(pick, index);
        if (moved && shown) views.forEach((view) => view.show(shown));
      };
      picture.addEventListener("pointermove", move);
      picture.addEventListener("lostpointercapture", end, { once: true });
    });
  }

  // A click, or Enter, sets a control to the number of the element.
  function pickable(picture, { of, pick, flat: position }) {
    picture.classList.add("marks-pick");
    const set = (event) => {
      const key = event.target.closest("[data-key]")?.dataset.key;
      const index = !key ? undefined : position ? position(key) : nameOf(key) === of ? flatOf(key) : undefined;
      if (index !== undefined) hooks.change(pick, index);
    };
    if (!picture.classList.contains("marks-drag")) picture.addEventListener("click", set);
    picture.addEventListener("keydown", (event) => event.key === "Enter" && set(event));
  }
  const flatOf = (key) => {
    const { shape } = shown[nameOf(key)];
    return placeOf(key).reduce((at, i, k) => at * shape[k] + i, 0);
  };

  const views = spec.marks.map((mark) => DRAWERS[mark.mark](mark, page));
  const figures = spec.marks.map((mark, i) => {
    const caption = node("figcaption", { textContent: mark.label });
    if (mark.drag) caption.append(node("em", { textContent: " drag me" }));
    return node("figure", { className: `marks-figure marks-${mark.kind ?? "plain"} marks-of-${mark.mark}` }, caption, views[i].element);
  });
  const left = [...figures];
  const rows = spec.rows.map((count) => node("div", { className: "marks-row" }, ...left.splice(0, count)));
  const element = node("div", { className: "marks" }, ...rows, status);
  element.addEventListener("pointerover", (event) => {
    const found = event.target.closest?.("[data-key]");
    if (found && !page.dragging) page.light(found.dataset.key);
  });
  element.addEventListener("pointerleave", () => !page.dragging && page.light(null));
  function dress() {
    page.theme = themeNow();
    for (const [name, colour] of Object.entries(page.theme)) element.style.setProperty(`--marks-${name}`, colour);
    if (shown) views.forEach((view) => view.show(shown));
  }
  const theme = new MutationObserver(dress);
  theme.observe(document.body, { attributeFilter: ["data-jp-theme-light"] });
  for (const query of [SYSTEM_DARK, FORCED]) query.addEventListener("change", dress);
  dress();
  function close() {
    theme.disconnect();
    for (const query of [SYSTEM_DARK, FORCED]) query.removeEventListener("change", dress);
  }
  function show(arrays) {
    shown = arrays;
    for (const view of views) view.show(arrays);
    if (page.lit) setText(status, spoken(page.lit));
    element.classList.toggle("marks-still", !hooks.live());
  }
  // A number is drawn by the marks that have an axis for it; a choice is marked where its name stands.
  function guess(given) {
    for (const view of views) view.guess?.(given);
    if (shown) views.forEach((view) => view.show(shown));
    for (const words of element.querySelectorAll(".marks-name, .marks-legend span")) {
      words.classList.toggle("marks-guessed", Boolean(given?.names?.includes(words.textContent.trim().toLowerCase())));
    }
  }
  return { element, show, guess, light: page.light, close };
}

// The stage of an explorable that the page draws: frames are arrays.
function marksStage(spec, { act, live, wires }) {
  const arrays = Object.fromEntries(spec.controls.filter(({ kind }) => kind === "array").map((control) => [control.name, control]));
  const view = marksPage(spec.page, { arrays, wires, live, change: (name, values) => act({ [name]: values }) });
  const bytesOf = (data) => (typeof data === "string" ? Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0)) : data);
  return {
    element: view.element,
    guess: view.guess,
    frame: ({ readout, manifest, type }, data) => ({ readout, manifest, type, data, arrays: unpack(manifest, bytesOf(data)) }),
    show: (frame) => view.show(frame.arrays),
    kept: ({ readout, manifest, type, data }) => ({ readout, manifest, type, data }),
    forget() {},
    close: view.close,
  };
}
