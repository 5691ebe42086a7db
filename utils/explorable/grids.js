// Marks, colours, numbers from the kernel, links, and the marks that are grids or have axes.

const SVG_SPACE = "http://www.w3.org/2000/svg";
const MATH_SPACE = "http://www.w3.org/1998/Math/MathML";
const DRAG_PIXELS = 4; // the pointer's way for one step of a number

function made(space, tag, attributes = {}, ...children) {
  const element = document.createElementNS(space, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}
const svg = (tag, attributes, ...children) => made(SVG_SPACE, tag, attributes, ...children);

// A colour for each meaning, and a shade of it that can be read on the paper; fills and text of both themes.
const THEMES = {
  light: {
    paper: "#ffffff", grid: "#d5d9de", negative: "#6e7781",
    value: "#0072b2", gradient: "#d55e00", parameter: "#009e73", data: "#767676",
    "value-ink": "#005a8e", "gradient-ink": "#a84a00", "parameter-ink": "#00704f", "data-ink": "#57606a",
  },
  dark: {
    paper: "#111111", grid: "#444b52", negative: "#9aa3ad",
    value: "#56b4e9", gradient: "#ff8c3a", parameter: "#3fc79a", data: "#a0a8b0",
    "value-ink": "#7cc7f2", "gradient-ink": "#ffa866", "parameter-ink": "#6fd9b4", "data-ink": "#b8c0c8",
  },
};
// Jupyter tells its theme; a page of ours follows the reader's system, and colours that are forced decide by their paper.
const [SYSTEM_DARK, FORCED] = ["(prefers-color-scheme: dark)", "(forced-colors: active)"].map((query) => matchMedia(query));
function themeNow() {
  const told = document.body.dataset.jpThemeLight;
  const both = getComputedStyle(document.documentElement).colorScheme.includes("dark");
  let dark = told ? told === "false" : both && SYSTEM_DARK.matches;
  if (FORCED.matches) {
    const probe = document.body.appendChild(node("i"));
    probe.style.cssText = "background-color: Canvas";
    dark = luminance(getComputedStyle(probe).backgroundColor.match(/[\d.]+/g).slice(0, 3).map(Number)) < 0.179;
    probe.remove();
  }
  return THEMES[dark ? "dark" : "light"];
}
const narrow = () => document.documentElement.clientWidth < 560;
const COARSE = matchMedia("(pointer: coarse)").matches; // a finger needs 44 px
const bytesOfColour = (colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));

// The colour of a number: from the paper at 0 to that of its kind, or of negative numbers, at the limit.
function colourOf(theme, kind, value, limit) {
  const t = Math.min(1, Math.abs(value) / (limit || 1));
  const [paper, ink] = [theme.paper, value < 0 ? theme.negative : theme[kind]].map(bytesOfColour);
  return paper.map((from, channel) => Math.round(from + (ink[channel] - from) * t));
}

// Black or white, whichever is read more easily on a colour: one of them always has a contrast above 4.5.
const inkOn = (colour) => (luminance(colour) > 0.179 ? "#000" : "#fff");
function luminance(colour) {
  const linear = colour.map((byte) => byte / 255).map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
}

const setText = (element, words) => element.textContent !== words && (element.textContent = words);
const written = (value, digits) => {
  const words = value.toFixed(digits);
  return (Number(words) === 0 ? words.replace("-", "") : words).replace("-", "\u2212");
};
const largest = (numbers) => numbers.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
const keyOf = (name, place) => `${name}:${place.join(",")}`;
const placeOf = (key) => key.slice(key.indexOf(":") + 1).split(",").map(Number);
const nameOf = (key) => key.slice(0, key.indexOf(":"));

// --- Numbers from the kernel: the manifest says where each array lies in the buffer. ---

const TYPES = { f4: Float32Array, i2: Int16Array };

function unpack(manifest, view) {
  const arrays = {};
  for (const { name, shape, type, at, scale } of manifest) {
    const Type = TYPES[type];
    const size = shape.reduce((product, length) => product * length, 1);
    const start = view.byteOffset + at;
    // a view into a message need not lie at a multiple of four
    const raw = new Type(view.buffer.slice(start, start + size * Type.BYTES_PER_ELEMENT));
    arrays[name] = { shape, data: scale === 1 ? raw : Float32Array.from(raw, (value) => value * scale) };
  }
  return arrays;
}

// --- Links: from an element to all that belong to it. ---

function* places(letters, fixed, lengths) {
  if (!letters.length) return yield [];
  const [first, ...rest] = letters;
  const from = fixed[first] ?? 0;
  const to = first in fixed ? from + 1 : lengths[first];
  for (let i = from; i < to; i++) for (const tail of places(rest, { ...fixed, [first]: i }, lengths)) yield [i, ...tail];
}

const BY_RULE = {
  pairs: ({ pairs }, key) => pairs.flatMap(([one, other]) => (one === key ? [other] : other === key ? [one] : [])),
  axes({ axes, lengths }, key) {
    const found = [];
    for (const [name, letters] of axes) {
      if (name !== nameOf(key)) continue;
      const fixed = Object.fromEntries(placeOf(key).map((i, k) => [letters[k], i]));
      for (const [other, own] of axes) {
        if (other === name) continue;
        for (const place of places([...own], fixed, lengths)) found.push(keyOf(other, place));
      }
    }
    return found;
  },
  window: (rule, key) =>
    offsets(rule).flatMap((offset) => {
      const [name, place] = [nameOf(key), placeOf(key)];
      if (name === rule.output) {
        const source = place.map((i, k) => i * rule.stride + offset[k] * rule.dilation - rule.padding);
        if (!within(source, rule.inputShape)) return [];
        return [keyOf(rule.input, source), ...(rule.kernel ? [keyOf(rule.kernel, offset)] : [])];
      }
      if (name !== rule.input) return [];
      const target = place.map((i, k) => (i - offset[k] * rule.dilation + rule.padding) / rule.stride);
      return within(target, rule.outputShape) ? [keyOf(rule.output, target)] : [];
    }),
};
const within = (place, shape) => place.every((i, k) => Number.isInteger(i) && i >= 0 && i < shape[k]);
const offsets = ({ size }) => [...places([0, 1].slice(0, size.length), {}, size)];

const linked = (links, key) => [...new Set(links.flatMap((rule) => BY_RULE[rule.kind](rule, key)))];

// The factors of which an element is a sum: lists of keys, one list for each summand.
function summands(links, key, product, plus) {
  for (const rule of links) {
    if (rule.kind === "axes" && [nameOf(key), ...product, ...plus].every((name) => rule.axes.some(([n]) => n === name))) {
      const lettersOf = Object.fromEntries(rule.axes);
      const own = lettersOf[nameOf(key)];
      const free = [...new Set(product.flatMap((name) => [...lettersOf[name]]))].filter((letter) => !own.includes(letter));
      const fixed = Object.fromEntries(placeOf(key).map((i, k) => [own[k], i]));
      const keyAt = (name, at) => keyOf(name, [...lettersOf[name]].map((letter) => at[letter]));
      const products = [...places(free, {}, rule.lengths)].map((indices) => {
        const at = { ...fixed, ...Object.fromEntries(free.map((letter, k) => [letter, indices[k]])) };
        return product.map((name) => keyAt(name, at));
      });
      return [...products, ...plus.map((name) => [keyAt(name, fixed)])];
    }
    if (rule.kind === "window" && nameOf(key) === rule.output) {
      return offsets(rule).flatMap((offset) => {
        const source = placeOf(key).map((i, k) => i * rule.stride + offset[k] * rule.dilation - rule.padding);
        return within(source, rule.inputShape) ? [[keyOf(rule.kernel, offset), keyOf(rule.input, source)]] : [];
      });
    }
  }
  return [];
}

// --- Grids. ---

function grid(mark, page) {
  const [rows, columns] = mark.shape;
  if (mark.canvas) return canvasGrid(mark, page);
  const strip = mark.mark === "strip";
  const width = strip ? Math.max(4, Math.min(18, Math.floor(600 / columns))) : mark.numbers ? 46 : Math.max(8, Math.min(24, Math.floor(420 / columns)));
  const touched = COARSE && (mark.drag || mark.pick);
  const height = touched ? 44 : strip ? 22 : mark.numbers ? 34 : width;
  const left = mark.rows.length ? 8 + 7.5 * Math.max(...mark.rows.map((name) => name.length)) : 0;
  const top = mark.columns.length ? 20 : 0;
  const [w, h] = [left + columns * width + 2, top + rows * height + 2];
  const picture = svg("svg", { width: w, height: h, viewBox: `0 0 ${w} ${h}`, role: "grid", "aria-label": mark.label });
  mark.columns.forEach((name, j) => picture.append(svg("text", { x: left + (j + 0.5) * width, y: 10, class: "marks-name" }, name)));
  const cells = [];
  for (let i = 0; i < rows; i++) {
    const row = svg("g", { role: "row" });
    if (mark.rows.length) row.append(svg("text", { x: left - 6, y: top + (i + 0.5) * height, class: "marks-name marks-end" }, mark.rows[i]));
    for (let j = 0; j < columns; j++) {
      const [x, y] = [left + j * width + 1, top + i * height + 1];
      const cell = svg("g", { class: "marks-cell", role: "gridcell" }, svg("rect", { x, y, width, height }));
      if (mark.numbers) cell.append(svg("text", { x: x + width / 2, y: y + height / 2 }));
      page.register(keyOf(mark.of, elementPlace(mark, i, j, page)), cell);
      cells.push(cell);
      row.append(cell);
    }
    picture.append(row);
  }
  const bar = colourBar(mark);
  page.roving(picture, mark, rows, columns, (i, j) => cells[i * columns + j]);
  if (mark.drag) page.draggable(picture, mark, { cursor: "ns-resize" });
  if (mark.pick) page.pickable(picture, mark);
  function show(arrays) {
    const { data: given } = arrays[mark.of];
    const limit = mark.limit ?? largest(given);
    const data = mark.transposed ? cells.map((_, k) => given[(k % columns) * rows + Math.floor(k / columns)]) : given;
    const shown = mark.shown ? arrays[mark.shown].data : null;
    cells.forEach((cell, k) => {
      if (shown) cell.style.display = shown[k] ? "" : "none";
      const colour = colourOf(page.theme, mark.kind, data[k], limit);
      const fill = `rgb(${colour})`;
      if (cell.marksFill !== fill) {
        cell.marksFill = cell.firstChild.style.fill = fill;
        if (mark.numbers) cell.lastChild.style.fill = inkOn(colour);
      }
      if (mark.numbers) setText(cell.lastChild, written(data[k], mark.digits));
    });
    bar.show(limit);
  }
  return { element: node("div", {}, picture, bar.element), show };
}

// An array of one axis is drawn as one row; links count its elements by one number.
const elementPlace = (mark, i, j, page) => (page.axes[mark.of] === 1 ? [mark.transposed ? i : j] : mark.transposed ? [j, i] : [i, j]);

function colourBar(mark) {
  const [low, high] = [node("span"), node("span")];
  const element = node("div", { className: "marks-bar", ariaHidden: "true" }, low, node("i"), high);
  element.hidden = !mark.bar;
  const show = (limit) => {
    const words = limit >= 0.01 && limit < 1000 ? written(limit, 2) : limit.toExponential(0);
    setText(low, `\u2212${words}`);
    setText(high, words);
  };
  return { element, show };
}

function canvasGrid(mark, page) {
  const [rows, columns] = mark.shape;
  const size = Math.max(2, Math.floor(384 / Math.max(rows, columns)));
  const canvas = node("canvas", { width: columns, height: rows });
  const over = svg("svg", { viewBox: `0 0 ${columns} ${rows}`, class: "marks-over" });
  const stack = node("div", { className: "marks-stack" }, canvas, over);
  canvas.style.width = `${columns * size}px`;
  stack.role = "img";
  stack.ariaLabel = mark.label;
  page.registerMark(mark.of, (keys) => {
    over.replaceChildren(...keys.map((key) => svg("rect", { x: placeOf(key)[1], y: placeOf(key)[0], width: 1, height: 1 })));
  });
  stack.onpointermove = (event) => {
    const box = canvas.getBoundingClientRect();
    const at = (from, length, count) => Math.min(count - 1, Math.max(0, Math.floor((from / length) * count)));
    page.light(keyOf(mark.of, [at(event.clientY - box.top, box.height, rows), at(event.clientX - box.left, box.width, columns)]));
  };
  const bar = colourBar(mark);
  function show(arrays) {
    const { data } = arrays[mark.of];
    const limit = mark.limit ?? largest(data);
    const image = new ImageData(columns, rows);
    data.forEach((value, k) => image.data.set([...colourOf(page.theme, mark.kind, value, limit), 255], 4 * k));
    canvas.getContext("2d").putImageData(image, 0, 0);
    bar.show(limit);
  }
  return { element: node("div", {}, stack, bar.element), show };
}
