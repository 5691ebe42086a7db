// An explorable in the browser: controls, play, picks, frame cache; the pictures come from Python or were baked.

const CACHED_FRAMES = 400;
const ICONS = {
  play: '<path d="M4 2.5v11l9.5-5.5z"/>',
  pause: '<path d="M3.5 2.5h3v11h-3zM9.5 2.5h3v11h-3z"/>',
  back: '<path d="M3 2.5h2v11H3zM13 2.5v11L5.5 8z"/>',
  forward: '<path d="M11 2.5h2v11h-2zM3 2.5v11L10.5 8z"/>',
};

function node(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

// Jupyter swallows the arrow keys of a focused element unless the element itself says otherwise.
function focusable(tag, properties, ...children) {
  const element = node(tag, properties, ...children);
  element.dataset.lmSuppressShortcuts = "true";
  return element;
}

function button(text, onclick) {
  return focusable("button", { type: "button", textContent: text, onclick });
}

function setIcon(element, icon, title) {
  element.innerHTML = `<svg viewBox="0 0 16 16" aria-hidden="true">${ICONS[icon]}</svg>`;
  element.className = "explorable-icon";
  element.title = title;
  element.ariaLabel = title;
  return element;
}

// --- Controls: each builder returns {element, show(value)} and calls set(value) when the reader acts. ---

const labelFor = (id, text) => node("label", { htmlFor: id, textContent: text });

function slider({ label, texts }, id, set) {
  const input = focusable("input", { type: "range", id, min: 0, max: texts.length - 1, step: 1 });
  const value = node("span", { className: "explorable-value", ariaHidden: "true" }); // aria-valuetext says it
  input.oninput = () => set(Number(input.value));
  const head = node("div", { className: "explorable-head" }, labelFor(id, label), value);
  const row = node("div", { className: "explorable-row" }, input);
  const show = (index) => {
    input.value = index;
    input.ariaValueText = texts[index];
    value.textContent = texts[index];
  };
  return { element: node("div", {}, head, row), row, show };
}

function choice({ label, texts, segmented }, id, set) {
  if (!segmented) {
    const options = texts.map((textContent, value) => node("option", { value, textContent }));
    const select = focusable("select", { id }, ...options);
    select.onchange = () => set(Number(select.value));
    return { element: node("div", {}, labelFor(id, label), select), show: (index) => (select.value = index) };
  }
  const radio = (value) => focusable("input", { type: "radio", name: id, value, onchange: () => set(value) });
  const inputs = texts.map((_, value) => radio(value));
  const labels = inputs.map((input, i) => node("label", {}, input, node("span", { textContent: texts[i] })));
  const group = node("div", { className: "explorable-segments" }, ...labels);
  const element = node("fieldset", {}, node("legend", { textContent: label }), group);
  return { element, show: (index) => (inputs[index].checked = true) };
}

function toggle({ label }, id, set) {
  const input = focusable("input", { type: "checkbox", id });
  input.onchange = () => set(Number(input.checked));
  const element = node("label", { className: "explorable-switch" }, input, node("span", { textContent: label }));
  return { element, show: (on) => (input.checked = Boolean(on)) };
}

function text({ label, max_length }, id, set) {
  const input = focusable("input", { type: "text", id, maxLength: max_length, autocomplete: "off", spellcheck: false });
  input.oninput = () => set(input.value);
  const show = (value) => value !== input.value && (input.value = value);
  return { element: node("div", {}, labelFor(id, label), input), show };
}

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function drawing({ label, shape: [rows, columns] }, id, set) {
  const canvas = focusable("canvas", { id, width: columns, height: rows, tabIndex: 0 });
  canvas.role = "application";
  canvas.ariaLabel = `${label}: draw with the pointer, or with the arrow keys and space`;
  canvas.style.aspectRatio = `${columns} / ${rows}`;
  let cells = [];
  let pen = null; // where the pointer draws, in cells
  let cursor = null; // the cell [column, row] that the keyboard is at

  const paint = () => {
    const image = new ImageData(columns, rows);
    cells.forEach((cell, i) => image.data.set([0, 0, 0, 255 * cell], 4 * i));
    const context = canvas.getContext("2d");
    context.putImageData(image, 0, 0);
    context.fillStyle = "#0072b280";
    if (cursor) context.fillRect(...cursor, 1, 1);
  };
  const dab = (x, y) => {
    cells = cells.map((cell, i) => {
      const distance = Math.hypot((i % columns) + 0.5 - x, Math.floor(i / columns) + 0.5 - y);
      return Math.max(cell, Math.min(1, Math.round(1000 * (1.3 - distance)) / 1000));
    });
  };
  const changeTo = (values) => {
    cells = values;
    paint();
    set(cells);
  };
  const stroke = (event) => {
    const box = canvas.getBoundingClientRect();
    const [x, y] = [((event.clientX - box.left) / box.width) * columns, ((event.clientY - box.top) / box.height) * rows];
    const [fromX, fromY] = pen ?? [x, y];
    const steps = Math.ceil(3 * Math.hypot(x - fromX, y - fromY)) || 1; // close enough to leave no gap
    for (let k = 1; k <= steps; k++) dab(fromX + ((x - fromX) * k) / steps, fromY + ((y - fromY) * k) / steps);
    pen = [x, y];
    changeTo(cells);
  };
  canvas.onpointerdown = (event) => {
    cursor = null;
    canvas.setPointerCapture(event.pointerId);
    stroke(event);
  };
  canvas.onpointermove = (event) => pen && stroke(event);
  canvas.onpointerup = canvas.onpointercancel = () => (pen = null);
  canvas.onblur = () => {
    cursor = null;
    paint();
  };
  canvas.onkeydown = (event) => {
    const [right, down] = ARROWS[event.key] ?? [0, 0];
    if (event.key !== " " && !right && !down) return;
    event.preventDefault();
    const [x, y] = cursor ?? [columns >> 1, rows >> 1];
    cursor = [Math.min(columns - 1, Math.max(0, x + right)), Math.min(rows - 1, Math.max(0, y + down))];
    if (event.key === " ") dab(cursor[0] + 0.5, cursor[1] + 0.5);
    changeTo(cells);
  };
  const clear = button("clear", () => changeTo(cells.map(() => 0)));
  const head = node("div", { className: "explorable-head" }, node("span", { textContent: label }), clear);
  const show = (values) => {
    cells = values;
    paint();
  };
  return { element: node("div", { className: "explorable-drawing" }, head, canvas), show };
}

const BUILDERS = { slider, choice, switch: toggle, text, canvas: drawing };

// --- Picks: from the pointer to the controls that it sets. ---

// Data coordinate at a fraction t of an axis, given its limits and its scale.
const invert = ([low, high, scale], t) => (scale === "log" ? low * (high / low) ** t : low + t * (high - low));

const smallest = (numbers) => numbers.indexOf(Math.min(...numbers));

// Position of the value nearest to x on an axis, measured on the axis' own scale.
function nearestValue(values, x, scale) {
  const ruler = scale === "log" ? Math.log : Number;
  return smallest(values.map((value) => Math.abs(ruler(value) - ruler(x))));
}

// u, v: the pointer as fractions of a picture of the given aspect. Returns {name: position}, empty outside the axes.
function picked(pick, { box: [left, top, right, bottom], x, y, points }, u, v, aspect) {
  if (u < left || u > right || v < top || v > bottom) return {};
  const dataX = invert(x, (u - left) / (right - left));
  const dataY = invert(y, (bottom - v) / (bottom - top));
  const position = {
    column: () => Math.round(dataX),
    row: () => Math.round(dataY),
    x: () => nearestValue(pick.numbers.x, dataX, x[2]),
    y: () => nearestValue(pick.numbers.y, dataY, y[2]),
    nearest: () => smallest(points.map(([px, py]) => Math.hypot((px - u) * aspect, py - v))),
  };
  return Object.fromEntries(Object.entries(pick.targets).map(([key, name]) => [name, position[key]()]));
}

// --- The explorable itself. ---

function render({ model, el }) {
  const spec = model.get("spec");
  const names = Object.keys(spec.controls);
  const viewId = Math.random().toString(36).slice(2);
  const last = (name) => spec.controls[name].texts.length - 1;
  const label = (name) => spec.controls[name].label;
  const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)").matches;

  // ipywidgets marks the view of a model that was restored without its kernel.
  let lost = el.classList.contains("jupyter-widgets-disconnected");
  let state = { ...spec.start };
  let moved = names[0]; // the control that moved last
  let version = 0; // counts the settings asked for
  let request = null; // {seq, version, key}: never more than one in flight
  let timers = [];
  let geometry = [];
  let playing = null; // the name of a slider
  let playTimer;

  // --- Frames by key, {url, readout, geometry}. Baked ones stay; of the others the least recently seen goes first. ---
  const cache = new Map();
  const keyOf = (values) => names.map((name) => values[name]).join(",");
  function toFrame({ readout, geometry, type }, data) {
    const bytes = typeof data === "string" ? Uint8Array.from(atob(data), (c) => c.charCodeAt(0)) : data;
    return { readout, geometry, url: URL.createObjectURL(new Blob([bytes], { type })) };
  }
  function keep(key, frame) {
    if (cache.has(key)) URL.revokeObjectURL(cache.get(key).url);
    cache.set(key, frame);
    for (const [oldest, { url, baked }] of cache) {
      if (cache.size <= CACHED_FRAMES) break;
      if (baked || oldest === key) continue;
      URL.revokeObjectURL(url);
      cache.delete(oldest);
    }
  }
  function loadBaked() {
    for (const [key, frame] of Object.entries(model.get("frames"))) {
      keep(key, { ...toFrame(frame, frame.data), baked: true });
    }
  }

  // --- The page. ---
  const image = node("img", { alt: spec.alt, draggable: false, width: spec.width, height: spec.height });
  const line = (name, role) => node("div", { className: `explorable-${name}`, role });
  const [readout, note, alert] = [line("readout", "status"), line("note", "status"), line("alert", "alert")];
  readout.ariaLive = "polite";
  const controls = {};
  for (const name of names) {
    const build = BUILDERS[spec.controls[name].kind];
    controls[name] = build(spec.controls[name], `explorable-${viewId}-${name}`, (value) => act({ [name]: value }));
    controls[name].element.classList.add("explorable-control");
  }
  const players = {};
  for (const name of spec.play) {
    const back = setIcon(button("", () => step(name, -1)), "back", `${label(name)}: one step back`);
    const forward = setIcon(button("", () => step(name, 1)), "forward", `${label(name)}: one step forward`);
    players[name] = setIcon(button("", () => playOrPause(name)), "play", `play ${label(name)}`);
    controls[name].row.prepend(back, players[name], forward);
  }
  const presets = Object.entries(spec.presets).map(([name, values]) => [button(name, () => act(values)), values]);
  const presetRow = node("div", { className: "explorable-presets" }, ...presets.map(([element]) => element));
  presetRow.role = "group";
  presetRow.ariaLabel = "presets";
  const grid = node("div", { className: "explorable-controls" }, ...names.map((name) => controls[name].element));
  const top = node("div", { className: "explorable-top" }, node("strong", { textContent: spec.title }), presetRow);
  const root = node("div", { className: "explorable" }, top, grid, image, readout, note, alert);
  root.style.maxWidth = `${spec.width + 8}px`; // and 4 px of padding, so that no pixel is resampled

  const say = (element, words) => element.textContent !== words && (element.textContent = words);
  function show(frame, remark = "") {
    const before = image.src;
    if (before !== frame.url) image.src = frame.url;
    if (!spec.cache && before !== frame.url) URL.revokeObjectURL(before);
    geometry = frame.geometry;
    say(readout, frame.readout);
    say(note, remark);
    say(alert, "");
  }

  // --- Settings and requests: the newest setting wins. ---
  function act(values) {
    stop();
    change(values);
  }
  function change(values) {
    const changed = Object.keys(values).filter((name) => state[name] !== values[name]);
    if (!changed.length) return;
    moved = changed[0];
    state = { ...state, ...values };
    version += 1;
    reflect();
    refresh();
  }
  function reflect() {
    for (const name of names) controls[name].show(state[name]);
    for (const [element, values] of presets) {
      element.ariaPressed = String(keyOf(values) === keyOf(state));
    }
  }
  function refresh() {
    const key = keyOf(state);
    const hit = spec.cache && cache.get(key);
    if (hit) {
      cache.delete(key);
      cache.set(key, hit);
      show(hit);
    } else if (model.get("offline")) showNearest("");
    else if (lost) showNearest("no kernel: ");
    else if (!request) ask(key);
  }
  function ask(key) {
    request = { seq: `${viewId}:${version}`, version, key };
    try {
      model.send({ kind: "values", values: state, seq: request.seq });
    } catch {
      return lose();
    }
    timers = [setInterval(overdue, 1000 * spec.patience)];
    if (model.get("baked")) timers.push(setTimeout(() => showNearest("the kernel is busy: "), 700));
  }
  function overdue() {
    // An idle kernel that has not answered was restarted and does not know this explorable.
    if (model.widget_manager?.kernel?.status !== "idle") {
      return say(note, "the kernel is busy: the picture follows as soon as it is free");
    }
    lose();
  }
  function lose() {
    lost = true;
    settle();
    refresh();
  }
  function settle() {
    timers.forEach(clearTimeout);
    request = null;
  }
  function onReply(reply, buffers) {
    lost = false;
    if (reply.seq !== request?.seq) return; // meant for another view
    const { key, version: answered } = request;
    const newest = answered === version;
    settle();
    if (reply.kind === "frame") {
      const frame = toFrame(reply, buffers[0]);
      if (spec.cache) keep(key, frame);
      show(frame);
    } else if (newest) {
      say(note, "");
      say(alert, `This setting cannot be drawn. ${reply.error}`);
    }
    if (!newest) refresh();
  }
  function showNearest(why) {
    if (!spec.cache || !cache.size) return say(note, `${why}the picture cannot follow; run the cell again`);
    // The control that moved last decides first, so that none of them seems dead.
    const weights = names.map((name) => (name === moved ? 100 : 1) / Math.max(1, last(name)));
    const distance = (wires) => names.reduce((sum, name, i) => sum + weights[i] * Math.abs(wires[i] - state[name]), 0);
    const keys = [...cache.keys()];
    const nearest = keys[smallest(keys.map((key) => distance(key.split(","))))];
    const setting = nearest.split(",").map((wire, i) => `${label(names[i])} = ${spec.controls[names[i]].texts[wire]}`);
    show(cache.get(nearest), `${why}nearest prepared setting shown: ${setting.join(", ")}`);
  }

  // --- Play: one step after the other, each when the picture has arrived; the end stops it. ---
  function step(name, by) {
    act({ [name]: Math.min(last(name), Math.max(0, state[name] + by)) });
  }
  function stop() {
    clearTimeout(playTimer);
    if (playing) setIcon(players[playing], "play", `play ${label(playing)}`);
    playing = null;
  }
  function tick() {
    const pause = reducedMotion ? 1000 : Math.min(600, Math.max(80, 4000 / last(playing)));
    playTimer = setTimeout(() => {
      if (!request) change({ [playing]: state[playing] + 1 });
      if (state[playing] < last(playing)) tick();
      else stop();
    }, pause);
  }
  function playOrPause(name) {
    const wasPlaying = playing === name;
    stop();
    if (wasPlaying || last(name) === 0) return;
    if (state[name] === last(name)) change({ [name]: 0 });
    playing = name;
    setIcon(players[name], "pause", `pause ${label(name)}`);
    tick();
  }

  // --- The pointer over the picture. ---
  function point(event, passing) {
    const box = image.getBoundingClientRect();
    const [u, v] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    let over = false;
    spec.picks.forEach((pick, i) => {
      if (!geometry[i]) return;
      const hits = Object.entries(picked(pick, geometry[i], u, v, spec.width / spec.height));
      const values = hits.filter(([name, position]) => position >= 0 && position <= last(name));
      over ||= values.length > 0;
      if (values.length && (!passing || pick.hover)) act(Object.fromEntries(values));
    });
    image.style.cursor = over ? "crosshair" : "";
  }
  image.onpointerdown = (event) => point(event, false);
  image.onpointermove = (event) => point(event, event.buttons !== 1);

  loadBaked();
  el.append(root);
  model.on("msg:custom", onReply);
  model.on("change:frames", () => (loadBaked(), refresh()));
  model.on("comm_live_update", lose);
  reflect();
  // The first picture of one that is live only is called "start": its settings make no key.
  if (!spec.cache && cache.has("start")) show(cache.get("start"));
  else refresh();

  return () => {
    stop();
    settle();
    if (!spec.cache) URL.revokeObjectURL(image.src);
    for (const { url } of cache.values()) URL.revokeObjectURL(url);
  };
}

export default { render };
