// The controls of an explorable: each builder returns {element, show(value)} and calls set(value) when the reader acts.

const ICONS = {
  play: '<path d="M4 2.5v11l9.5-5.5z"/>',
  pause: '<path d="M3.5 2.5h3v11h-3zM9.5 2.5h3v11h-3z"/>',
  back: '<path d="M3 2.5h2v11H3zM13 2.5v11L5.5 8z"/>',
  forward: '<path d="M11 2.5h2v11h-2zM3 2.5v11L10.5 8z"/>',
};

function setIcon(element, icon, title) {
  element.innerHTML = `<svg viewBox="0 0 16 16" aria-hidden="true">${ICONS[icon]}</svg>`;
  element.className = "explorable-icon";
  element.title = title;
  element.ariaLabel = title;
  return element;
}

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
