// Marks: bars, curves, points and arrows on axes, and empty axes on which a guess is sketched.

const roomNow = () => Math.max(280, document.documentElement.clientWidth - 56);
const PLOT = { width: Math.min(380, roomNow()), height: 220, left: 58, right: 12, top: 10, bottom: 40 };

function ticksOf([low, high], log) {
  if (log) {
    const every = Math.max(1, Math.ceil((high - low) / 6));
    const found = [];
    for (let power = Math.ceil(low); power <= high; power += every) found.push([power, `10${superscript(power)}`]);
    return found;
  }
  const raw = (high - low) / 4;
  const unit = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => factor * unit).find((size) => size >= raw * 0.99);
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) {
    found.push([k * step, String(Number((k * step).toPrecision(6))).replace("-", "\u2212")]);
  }
  return found;
}
const superscript = (power) => [...String(power)].map((letter) => "\u207b\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079"["-0123456789".indexOf(letter)]).join("");

function plane(mark, log = "") {
  const { left, right, top, bottom } = PLOT;
  const size = { width: mark.width ? Math.min(mark.width, roomNow()) : PLOT.width, height: mark.height ?? PLOT.height };
  const { width, height } = size;
  const axes = svg("g", { class: "marks-axes" });
  const clip = `marks-clip-${Math.random().toString(36).slice(2)}`;
  const frame = svg("rect", { x: left, y: top - 2, width: width - left - right, height: height - top - bottom + 4 });
  const inner = svg("g", { "clip-path": `url(#${clip})` });
  const shape = svg("clipPath", { id: clip }, frame);
  const picture = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": mark.label }, shape, axes, inner);
  const ruler = { x: log.includes("x") ? Math.log10 : Number, y: log.includes("y") ? Math.log10 : Number };
  let limits = { x: [0, 1], y: [0, 1] };
  let drawn = "";
  let guessed = null; // a number, drawn across the axis that the mark names, or a sketched line
  const guessLine = svg("g", { class: "marks-guess" });
  const at = {
    x: (value) => left + ((ruler.x(value) - limits.x[0]) / (limits.x[1] - limits.x[0])) * (width - left - right),
    y: (value) => height - bottom - ((ruler.y(value) - limits.y[0]) / (limits.y[1] - limits.y[0])) * (height - top - bottom),
  };
  const back = {
    x: (pixel) => limits.x[0] + ((pixel - left) / (width - left - right)) * (limits.x[1] - limits.x[0]),
    y: (pixel) => limits.y[0] + ((height - bottom - pixel) / (height - top - bottom)) * (limits.y[1] - limits.y[0]),
  };
  function fit(axis, given, values) {
    const told = axis === mark.guess && Number.isFinite(guessed) ? [...values, guessed] : values;
    const seen = (given.length ? given : told).map(ruler[axis]).filter(Number.isFinite);
    let [low, high] = [Math.min(...seen), Math.max(...seen)];
    if (!(high > low)) [low, high] = [low - 1, low + 1];
    const air = given.length || axis === "x" ? 0 : 0.06 * (high - low);
    limits[axis] = [low - air, high + air];
  }
  function drawGuess() {
    if (guessed === null || !mark.guess) return guessLine.replaceChildren();
    if (mark.guess === "sketch") return guessLine.replaceChildren(svg("path", { d: sketched(guessed) }));
    const upright = mark.guess === "x";
    const within = (value, low, high) => Math.min(high, Math.max(low, Number.isFinite(value) ? value : low));
    const place = upright ? within(at.x(guessed), left, width - right) : within(at.y(guessed), top, height - bottom);
    const ends = upright ? { x1: place, x2: place, y1: top, y2: height - bottom } : { x1: left, x2: width - right, y1: place, y2: place };
    const far = upright && place > (left + width - right) / 2;
    const words = upright ? { x: place + (far ? -5 : 5), y: top + 8 } : { x: width - right - 4, y: place < top + 18 ? place + 10 : place - 9 };
    const anchor = upright && !far ? "marks-start" : "marks-end";
    guessLine.replaceChildren(svg("line", ends), svg("text", { ...words, class: `marks-halo ${anchor}` }, "your guess"));
  }
  function drawAxes() {
    const now = JSON.stringify([limits, guessed]);
    if (now === drawn) return;
    drawn = now;
    drawGuess();
    const y = ticksOf(limits.y, log.includes("y")).map(([value, words]) => {
      const place = at.y(log.includes("y") ? 10 ** value : value);
      return svg("g", {}, svg("line", { x1: left, x2: width - right, y1: place, y2: place }), svg("text", { x: left - 6, y: place, class: "marks-end" }, words));
    });
    const x = mark.mark === "bars" ? [] : ticksOf(limits.x, log.includes("x")).map(([value, words]) => {
      const place = at.x(log.includes("x") ? 10 ** value : value);
      return svg("text", { x: place, y: height - bottom + 14 }, words);
    });
    const words = [
      svg("text", { x: (left + width - right) / 2, y: height - 8 }, mark.xlabel ?? ""),
      svg("text", { x: 0, y: 0, transform: `translate(11 ${(top + height - bottom) / 2}) rotate(-90)` }, mark.ylabel ?? ""),
    ];
    axes.replaceChildren(...y, ...x, ...words);
  }
  // a place inside of the frame, and whether it had to be moved there
  const edge = (x, y) => {
    const [inX, inY] = [Math.min(width - right, Math.max(left, x)), Math.min(height - bottom, Math.max(top, y))];
    return [inX, inY, Math.hypot(inX - x, inY - y) > 3];
  };
  // A sketch is a height for each of its columns, as a fraction of the axis, null where nothing was drawn.
  function sketched(heights) {
    const column = (width - left - right) / (heights.length - 1);
    const points = heights.map((share, k) => share !== null && [left + k * column, height - bottom - share * (height - top - bottom)]);
    return points.map((point, k) => (point ? `${points[k - 1] ? "L" : "M"}${point[0].toFixed(1)} ${point[1].toFixed(1)}` : "")).join("");
  }
  const guess = (given) => {
    guessed = (mark.guess === "sketch" ? given?.sketch : given?.number) ?? null;
    picture.append(guessLine); // above all else
  };
  return { picture, inner, at, back, fit, drawAxes, edge, ruler, guess, size };
}

// room for the numbers above and below the bars
const roomy = (values) => values.map((value) => 1.12 * value);

function bars(mark, page) {
  const count = mark.shape[0];
  const { picture, at, back, fit, drawAxes, guess } = plane(mark);
  const slot = (PLOT.width - PLOT.left - PLOT.right) / count;
  const all = Array.from({ length: count }, (_, i) => {
    const x = PLOT.left + i * slot + slot * 0.12;
    const rect = svg("rect", { x, width: slot * 0.76, class: "marks-fill" });
    const number = svg("text", { x: x + slot * 0.38, class: "marks-number" });
    const bar = svg("g", { class: "marks-element", role: "gridcell" }, rect, number);
    page.register(keyOf(mark.of, [i]), bar);
    picture.append(bar);
    if (mark.names.length) picture.append(svg("text", { x: x + slot * 0.38, y: PLOT.height - PLOT.bottom + 14, class: "marks-name" }, mark.names[i]));
    return bar;
  });
  const zero = svg("line", { x1: PLOT.left, x2: PLOT.width - PLOT.right, class: "marks-zero" });
  picture.append(zero);
  page.roving(picture, mark, 1, count, (_, j) => all[j]);
  if (mark.drag) page.draggable(picture, mark, { cursor: "ns-resize", value: (_, y) => [back.y(y)] });
  function show(arrays) {
    const { data } = arrays[mark.of];
    fit("x", [0, count], []);
    if (!page.dragging) fit("y", mark.limits, roomy([0, ...data]));
    drawAxes();
    const ground = Math.min(Math.max(at.y(0), PLOT.top), PLOT.height - PLOT.bottom);
    zero.setAttribute("y1", ground);
    zero.setAttribute("y2", ground);
    all.forEach((bar, i) => {
      const y = Math.min(Math.max(at.y(data[i]), PLOT.top), PLOT.height - PLOT.bottom);
      const [rect, number] = bar.children;
      rect.setAttribute("y", Math.min(y, ground));
      rect.setAttribute("height", Math.max(1, Math.abs(y - ground)));
      number.setAttribute("y", data[i] < 0 ? y + 10 : y - 9);
      if (slot >= 34) setText(number, written(data[i], mark.digits));
    });
  }
  return { element: picture, show, guess };
}

const COLUMNS = 49; // of a sketch

// Empty axes to draw a guess on, with the pointer or with arrow keys; onchange gets the sketch.
function sketchPad(mark, heights, onchange) {
  const { picture, fit, drawAxes, guess, size } = plane(mark, mark.log);
  const { width, height, left, right, top, bottom } = { ...PLOT, ...size };
  let column = 0; // where the keyboard is, or the pointer was
  let drawing = false;
  fit("x", mark.xlim, []);
  fit("y", mark.ylim, []);
  const show = () => (guess({ sketch: heights }), drawAxes());
  const set = (to, share) => {
    const [from, before] = [column, heights[column] ?? share];
    const count = Math.abs(to - from) || 1; // no gap where the pointer was quick
    for (let k = drawing ? 0 : count; k <= count; k++) heights[Math.round(from + ((to - from) * k) / count)] = before + ((share - before) * k) / count;
    column = to;
    show();
    onchange(heights);
  };
  const within = (share) => Math.min(1, Math.max(0, share));
  const draw = (event) => {
    const box = picture.getBoundingClientRect();
    const [x, y] = [((event.clientX - box.left) / box.width) * width, ((event.clientY - box.top) / box.height) * height];
    set(Math.round(within((x - left) / (width - left - right)) * (COLUMNS - 1)), within((height - bottom - y) / (height - top - bottom)));
    drawing = true;
  };
  picture.addEventListener("pointerdown", (event) => {
    picture.setPointerCapture(event.pointerId);
    drawing = false;
    draw(event);
  });
  picture.addEventListener("pointermove", (event) => picture.hasPointerCapture(event.pointerId) && draw(event));
  picture.addEventListener("keydown", (event) => {
    const [along, up] = ARROWS[event.key] ?? [0, 0];
    if (!along && !up) return;
    event.preventDefault();
    const here = heights[column] ?? 0.5;
    drawing = heights[column] !== null;
    set(Math.min(COLUMNS - 1, Math.max(0, column + 2 * along)), within(here - 0.04 * up));
  });
  picture.setAttribute("tabindex", 0);
  picture.dataset.lmSuppressShortcuts = "true";
  picture.setAttribute("role", "application");
  picture.setAttribute("aria-label", `${mark.label}: sketch your guess with the pointer, or with the arrow keys`);
  picture.classList.add("marks-sketch");
  show();
  return picture;
}

// Arrows on the axes of a curve; returns what puts them where the numbers say.
function arrowsOn(mark, inner, at, page) {
  const all = mark.names.map((_, i) => {
    const [shaft, head, words] = [svg("path", { class: "marks-shaft" }), svg("path", { class: "marks-head" }), svg("text", { class: "marks-halo marks-arrow-text" })];
    const group = svg("g", { class: `marks-element marks-arrow marks-${mark.kind}` }, shaft, head, words);
    page.register(keyOf(mark.of, [i]), group);
    inner.append(group);
    return { shaft, head, words };
  });
  return (arrays) => all.forEach(({ shaft, head, words }, i) => {
    const ends = [...arrays[mark.of].data.slice(4 * i, 4 * i + 4)];
    const [x1, y1, x2, y2] = ends.map((value, k) => at["xy"[k % 2]](value));
    const length = Math.hypot(x2 - x1, y2 - y1) || 1;
    const [right, down] = [(x2 - x1) / length, (y2 - y1) / length];
    const tip = Math.min(9, length);
    shaft.setAttribute("d", `M${x1} ${y1}L${x2 - right * tip * 0.6} ${y2 - down * tip * 0.6}`);
    head.setAttribute("d", `M${x2} ${y2}l${-tip * right - 0.5 * tip * down} ${-tip * down + 0.5 * tip * right}l${tip * down} ${-tip * right}Z`);
    const number = written(mark.numbers ? arrays[mark.numbers].data[i] : ends[3] - ends[1], mark.digits);
    setText(words, mark.names[i] && `${mark.names[i]} ${number}`);
    const wide = 7.6 * words.textContent.length + 16;
    const room = { right: x2 + wide < PLOT.width - PLOT.right, left: x2 - wide > PLOT.left };
    const side = room[mark.sides[i]] ? mark.sides[i] : room.right ? "right" : "left";
    const above = mark.sides[i] === "above";
    const middle = Math.min(PLOT.width - PLOT.right - wide / 2, Math.max(PLOT.left + wide / 2, x2));
    words.setAttribute("x", above ? middle : x2 + (side === "right" ? 12 : -12));
    words.setAttribute("y", above ? Math.min(y1, y2) - 11 : (y1 + y2) / 2 - (length < 14 ? 13 : 0));
    words.style.textAnchor = above ? "middle" : side === "right" ? "start" : "end";
    keepClear(words, inner);
  });
}

// A text of an arrow makes way for those that were placed before it: up or down, the shortest way.
function keepClear(words, inner) {
  const all = [...inner.querySelectorAll(".marks-arrow-text")];
  const span = (text) => {
    const [x, wide] = [Number(text.getAttribute("x")), 7.6 * text.textContent.length];
    const left = x - { start: 0, middle: 0.5, end: 1 }[text.style.textAnchor || "start"] * wide;
    return [left, left + wide];
  };
  const [left, right] = span(words);
  const near = all.slice(0, all.indexOf(words)).filter((text) => text.textContent && span(text)[0] < right && span(text)[1] > left);
  const y = Number(words.getAttribute("y"));
  const taken = near.map((text) => Number(text.getAttribute("y")));
  const clear = (place) => taken.every((other) => Math.abs(place - other) >= 15);
  const places = [y, ...taken.flatMap((other) => [other + 15, other - 15])].filter((place) => clear(place) && place > 8 && place < PLOT.height - PLOT.bottom);
  places.sort((one, other) => Math.abs(one - y) - Math.abs(other - y));
  if (places.length) words.setAttribute("y", places[0]);
}

const looks = ({ look }) => (look ? `marks-look-${look}` : "");

// Names beside dots, on the wanted side if there is room, apart from each other and above the axis.
function spread(names, { width, height }) {
  names.sort((one, other) => one[2] - other[2]);
  const heights = names.map(([, , y]) => y);
  heights.forEach((y, k) => k && (heights[k] = Math.max(y, heights[k - 1] + 15)));
  for (let k = names.length - 1, most = height - PLOT.bottom - 4; k >= 0; k--, most -= 15) heights[k] = Math.min(heights[k], most);
  names.forEach(([element, x, , wanted], k) => {
    const left = wanted ? x > PLOT.left + 74 : x > width - 84;
    element.setAttribute("x", left ? x - 10 : x + 10);
    element.setAttribute("y", heights[k]);
    element.classList.toggle("marks-end", left);
  });
}

function curve(mark, page) {
  const { picture, inner, at, back, fit, drawAxes, edge, ruler, guess, size } = plane(mark, mark.log);
  const lines = mark.mark === "points" ? [] : Array.from({ length: mark.shape[0] }, (_, i) => {
    const path = svg("path", { class: `marks-element marks-line marks-line-${i % 6} ${looks(mark)}` });
    page.register(keyOf(mark.of, [i]), path);
    inner.append(path);
    return path;
  });
  let seen = null;
  const clouds = [...(mark.mark === "points" ? [mark] : []), ...mark.also.filter((other) => other.mark === "points")];
  const dots = clouds.map((cloud) => {
    const group = svg("g", { class: `marks-${cloud.kind}` });
    const all = Array.from({ length: cloud.shape[0] }, (_, i) => {
      const dot = svg("circle", { r: cloud.drag ? 8 : 4, class: "marks-element marks-dot", role: "gridcell" });
      if (cloud.drag && COARSE) dot.style.strokeWidth = 28; // clear, and felt by a finger
      const where = () => (seen ? [0, 1].map((k) => Number(seen[cloud.of].data[2 * i + k].toPrecision(3))).join(", ") : "");
      page.register(keyOf(cloud.of, [i]), dot, () => `${cloud.label}${cloud.shape[0] > 1 ? ` [${i}]` : ""}: ${where()}`);
      group.append(dot);
      if (cloud.names[i]) group.append((dot.marksName = svg("text", { class: "marks-halo marks-dot-name" }, cloud.names[i])));
      return dot;
    });
    picture.append(group);
    page.roving(group, cloud, 1, cloud.shape[0], (_, j) => all[j]);
    const value = (x, y) => [back.x(x), back.y(y)].map((v, k) => (mark.log.includes("xy"[k]) ? 10 ** v : v));
    const along = ["x", "y"].map((axis) => cloud.along.includes(axis));
    if (cloud.drag) page.draggable(group, cloud, { cursor: "move", value, along });
    return all;
  });
  const further = mark.also.filter((other) => other.mark === "curve").map((other) => {
    const group = svg("g", { class: `marks-${other.kind}` });
    const all = Array.from({ length: other.shape[0] }, (_, i) => {
      const path = svg("path", { class: `marks-element marks-line marks-line-${i % 6} ${looks(other)}` });
      page.register(keyOf(other.of, [i]), path);
      group.append(path);
      return path;
    });
    inner.append(group);
    return [other, all];
  });
  const arrows = mark.also.filter((other) => other.mark === "arrows").map((other) => [other, arrowsOn(other, inner, at, page)]);
  const legend = mark.names.length > 1 ? node("div", { className: "marks-legend" }, ...mark.names.map((name, i) => node("span", { className: `marks-line-${i % 6}`, textContent: name }))) : "";
  const places = () => [...seen[mark.x].data];
  const rowsOf = ({ of, x }, arrays) => {
    const { data, shape } = arrays[of];
    const points = shape.at(-1);
    const places = x ? [...arrays[x].data] : Array.from({ length: points }, (_, k) => k);
    return { places, rows: Array.from({ length: data.length / points }, (_, i) => [...data.slice(i * points, (i + 1) * points)]) };
  };
  function trace(path, places, row) {
    let [d, pen] = ["", "M"];
    row.forEach((value, k) => {
      const [x, y] = [at.x(places[k]), at.y(value)];
      if (!Number.isFinite(y) || !Number.isFinite(x)) return (pen = "M"); // nothing to show on a log axis
      d += `${pen}${x.toFixed(1)} ${y.toFixed(1)}`;
      pen = "L";
    });
    path.setAttribute("d", d);
  }
  function show(arrays) {
    seen = arrays;
    const all = [...(lines.length ? [[mark, lines]] : []), ...further].map(([one, paths]) => [rowsOf(one, arrays), paths]);
    const pairs = clouds.map(({ of }) => arrays[of].data);
    if (!page.dragging) {
      const dotted = (k) => pairs.flatMap((data) => [...data].filter((_, i) => i % 2 === k));
      fit("x", mark.xlim, [...all.flatMap(([{ places }]) => places), ...dotted(0)]);
      fit("y", mark.ylim, [...all.flatMap(([{ rows }]) => rows.flat()), ...dotted(1)]);
    }
    drawAxes();
    for (const [, put] of arrows) put(arrays);
    for (const [{ places, rows }, paths] of all) paths.forEach((path, i) => trace(path, places, rows[i]));
    const names = [];
    dots.forEach((group, c) => group.forEach((dot, i) => {
      const [x, y] = [at.x(pairs[c][2 * i]), at.y(pairs[c][2 * i + 1])];
      const drawn = Number.isFinite(x) && !Number.isNaN(y);
      dot.style.display = drawn ? "" : "none";
      if (dot.marksName) dot.marksName.style.display = dot.style.display;
      if (!drawn) return;
      const [cx, cy, off] = edge(x, y);
      dot.setAttribute("cx", cx);
      dot.setAttribute("cy", cy);
      dot.classList.toggle("marks-off", off);
      if (dot.marksName) names.push([dot.marksName, cx, cy, clouds[c].side === "left"]);
    }));
    spread(names, size);
  }
  if (mark.pick && mark.x) scrub();
  // a click or a drag along the axis: the nearest of the places
  function scrub() {
    const set = (event) => {
      const box = picture.getBoundingClientRect();
      const there = back.x(((event.clientX - box.left) * picture.viewBox.baseVal.width) / box.width);
      const apart = places().map((place) => Math.abs(ruler.x(place) - there));
      page.set(mark.pick, apart.indexOf(Math.min(...apart)));
    };
    picture.classList.add("marks-scrub");
    picture.addEventListener("pointerdown", (event) => {
      if (event.target.closest(".marks-drag")) return;
      event.preventDefault();
      picture.setPointerCapture(event.pointerId);
      page.dragging = true;
      set(event);
      picture.addEventListener("pointermove", set);
      picture.addEventListener("lostpointercapture", () => {
        picture.removeEventListener("pointermove", set);
        page.dragging = false;
      }, { once: true });
    });
  }
  return { element: node("div", {}, picture, legend), show, guess };
}
