// Marks, second part: graphs, formulas and code; all marks of an explorable on one page, what lights up and what is dragged.

// --- Graphs. ---

const NODE = 28; // the radius of a node
const SPOTS = [0.3, 0.42, 0.2, 0.55, 0.66, 0.5]; // where along an edge its numbers may stand

function graph(mark, page) {
  // on a phone a long graph runs from top to bottom
  const reach = [0, 1].map((k) => Math.max(...mark.places.map((place) => place[k])) - Math.min(...mark.places.map((place) => place[k])));
  const turned = narrow() && reach[0] > reach[1];
  const [xs, ys] = (turned ? [1, 0] : [0, 1]).map((k) => mark.places.map((place) => place[k]));
  const span = (values, unit, least) => Math.max(least, unit * (1 + Math.max(...values) - Math.min(...values)));
  const room = narrow() ? document.documentElement.clientWidth - 56 : Infinity;
  const [width, height, margin] = [Math.min(mark.width, room, span(xs, 150, 420)), span(ys, turned ? 120 : 104, 210), 44];
  const scaled = (values, length) => (v) => {
    const [low, high] = [Math.min(...values), Math.max(...values)];
    return high > low ? margin + ((v - low) / (high - low)) * (length - 2 * margin) : length / 2;
  };
  const [toX, toY] = [scaled(xs, width), scaled(ys, height)];
  const at = xs.map((x, i) => [toX(x), toY(ys[i])]);
  const picture = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "grid", "aria-label": mark.label });
  picture.style.minWidth = `${0.96 * width}px`; // its numbers stay 12 px high
  const taken = at.flatMap(([x, y]) => [[x, y], [x, y - NODE - 9]]);
  const edges = mark.edges.map(([from, to], i) => {
    const [[x1, y1], [x2, y2]] = [at[from], at[to]];
    const line = svg("line", { x1, y1, x2, y2, class: "marks-edge" });
    const wide = svg("line", { x1, y1, x2, y2, class: "marks-followed" });
    if (i >= mark.weighted) return svg("g", { class: "marks-plain-edge" }, wide, line);
    // numbers stand where no other number is
    const spots = SPOTS.map((t) => [x1 + (x2 - x1) * t, y1 + (y2 - y1) * t]);
    const [x, y] = spots.find(([a, b]) => taken.every(([c, d]) => Math.abs(a - c) > 50 || Math.abs(b - d) > 30)) ?? spots[0];
    if (!mark.quiet.includes(i)) taken.push([x, y]);
    const handle = svg("line", { x1, y1, x2, y2, class: "marks-handle" });
    const words = svg("text", { x, y: y - 7, class: "marks-halo marks-parameter-text" });
    const gradient = svg("text", { x, y: y + 8, class: "marks-halo marks-gradient-text" });
    const edge = svg("g", { class: "marks-element", role: "gridcell" }, wide, line, handle, words, gradient);
    page.register(keyOf(mark.weights, [i]), edge);
    return edge;
  });
  const nodes = at.map(([x, y], i) => {
    const node = svg("g", { class: "marks-element marks-node", role: "gridcell" }, svg("circle", { cx: x, cy: y, r: NODE }),
      svg("text", { x, y: mark.gradients ? y - 7 : y, class: "marks-value-text" }), svg("text", { x, y: y + 9, class: "marks-gradient-text" }),
      svg("text", { x, y: y - NODE - 9, class: "marks-name marks-halo" }, mark.names[i] ?? ""));
    page.register(keyOf(mark.of, [i]), node);
    return node;
  });
  picture.append(...edges, ...nodes);
  const touched = edges.slice(0, mark.weighted);
  const own = mark.weighted ? mark.weights : mark.of;
  const flat = (key) => (mark.weighted ? mark.dragIndex[placeOf(key)[0]] : placeOf(key)[0]);
  page.roving(picture, { drag: mark.drag, flat: (key) => (nameOf(key) === own ? flat(key) : undefined) }, 1, nodes.length + touched.length, (_, j) => [...nodes, ...touched][j]);
  if (mark.drag) page.draggable(picture, { of: own, drag: mark.drag, pick: mark.pick, flat }, { cursor: "ns-resize" });
  if (mark.pick) page.pickable(picture, { of: own, pick: mark.pick, flat });
  function show(arrays) {
    const of = (name) => (name ? arrays[name].data : null);
    const [values, gradients, weights, slopes] = [mark.of, mark.gradients, mark.weights, mark.weightGradients].map(of);
    const [known, weightsKnown, followed] = [mark.shown, mark.weightsShown, mark.marked].map(of);
    const limit = weights ? largest(weights) || 1 : 1;
    edges.forEach((edge, i) => {
      edge.classList.toggle("marks-follow", Boolean(followed?.[i]));
      if (i >= mark.weighted) return;
      const [, line, , words, gradient] = edge.children;
      line.style.strokeWidth = 1 + 3.5 * (Math.abs(weights[i]) / limit);
      line.classList.toggle("marks-negative", weights[i] < 0);
      const state = mark.quiet.includes(i) ? 0 : Math.round(weightsKnown?.[i] ?? 2);
      setText(words, state > 0 ? `${mark.edgeNames[i] ? mark.edgeNames[i] + " " : ""}${written(weights[i], 2)}` : "");
      setText(gradient, slopes && state > 1 ? written(slopes[i], mark.digits) : "");
    });
    nodes.forEach((node, i) => {
      const state = Math.round(known?.[i] ?? 2);
      node.classList.toggle("marks-unknown", state === 0);
      node.classList.toggle("marks-returned", Boolean(gradients) && state > 1);
      setText(node.children[1], state > 0 ? written(values[i], mark.digits) : "");
      setText(node.children[2], gradients && state > 1 ? written(gradients[i], mark.digits) : "");
    });
  }
  return { element: picture, show };
}

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
  for (const [line, name] of mark.lines) page.registerWhole(name, lines[line]);
  return { element: node("pre", { className: "marks-code" }, ...lines), show() {} };
}

const DRAWERS = { grid, strip: grid, bars, curve, points: curve, graph, formula, code };

// --- All marks of an explorable on one page.  hooks: change(name, wires), wires(name), live(), arrays by control. ---

function marksPage(spec, hooks) {
  const [elements, wholes, overs] = [new Map(), new Map(), new Map()];
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
    register(key, element) {
      element.dataset.key = key;
      element.setAttribute("tabindex", -1);
      element.dataset.lmSuppressShortcuts = "true";
      push(elements, key, element);
    },
    registerWhole(name, element) {
      element.addEventListener("pointerenter", () => page.lightAll(name));
      element.addEventListener("pointerleave", () => page.light(null));
      push(wholes, name, element);
    },
    registerMark: (name, show) => push(overs, name, show),
    light(key) {
      if (key === page.lit) return;
      page.lit = key;
      const keys = key ? [key, ...linked(spec.links, key)] : [];
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
    const value = valueOf(key);
    const label = spec.labels[nameOf(key)] ?? nameOf(key);
    return `${label} [${placeOf(key).join(", ")}]${value === null ? "" : ` = ${Number(value.toPrecision(4))}`}`.replace("-", "\u2212");
  }

  // One tab stop for each mark: arrows move between its elements, + and - change a number that can be dragged.
  function roving(picture, { drag, flat: position }, rows, columns, get) {
    let at = [0, 0];
    get(0, 0).setAttribute("tabindex", 0);
    picture.addEventListener("keydown", (event) => {
      const steps = { "+": 1, "=": 1, "-": -1, PageUp: 10, PageDown: -10 }[event.key];
      const move = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0], Home: [0, -columns], End: [0, columns] }[event.key];
      if (!steps && !move) return;
      event.preventDefault();
      const here = event.target.closest("[data-key]");
      if (steps) return drag && hooks.live() && here && nudge(drag, here.dataset.key, steps, position);
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
      if (!element || nameOf(element.dataset.key) !== of || !hooks.live()) return;
      event.preventDefault();
      element.focus({ preventScroll: true });
      picture.setPointerCapture(event.pointerId);
      page.dragging = true;
      let moved = false;
      const place = placeOf(element.dataset.key);
      const index = position ? position(element.dataset.key) : flat(drag, place);
      const before = [...hooks.wires(drag)];
      const move = (now) => {
        moved ||= Math.hypot(now.clientX - event.clientX, now.clientY - event.clientY) > 3;
        if (!moved) return;
        const wires = [...hooks.wires(drag)];
        if (value) {
          const space = picture.ownerSVGElement ?? picture;
          const box = space.getBoundingClientRect();
          const scale = space.viewBox.baseVal.width / box.width;
          const found = value((now.clientX - box.left) * scale, (now.clientY - box.top) * scale);
          const at = found.length === 1 ? index : place[0] * found.length;
          found.forEach((number, k) => {
            if (found.length > 1 && !along[k]) return;
            wires[at + k] = clip(control, Math.round(number / control.step));
          });
        } else {
          wires[index] = clip(control, before[index] + Math.round((event.clientY - now.clientY) / DRAG_PIXELS));
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
    const set = (event) => {
      const key = event.target.closest("[data-key]")?.dataset.key;
      if (key && nameOf(key) === of) hooks.change(pick, position ? position(key) : flatOf(key));
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
