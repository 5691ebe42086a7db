// Marks, the layers of a network as columns of cells, and below each how large its numbers are, on a log axis.

const SHEET = { left: 58, right: 14, top: 18, cell: 9, gap: 16, plot: 168, zero: 20, bottom: 34, room: 720 };
const NO_SIZE = -90; // an exponent below stands for a size of exactly 0

function layers(mark, page) {
  const { left, right, top, cell, gap, plot, zero, bottom } = SHEET;
  const room = Math.max(260, Math.min(SHEET.room, document.documentElement.clientWidth - 110)); // on a phone all of it
  const [count, units] = [mark.shape[0], mark.units];
  const [from, to] = [top + units * cell + gap, top + units * cell + gap + plot];
  const [width, height] = [left + room + right, to + zero + bottom];
  const picture = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "grid", "aria-label": mark.label });
  const axes = svg("g", { class: "marks-axes" });
  const front = svg("rect", { y: top - 3, height: to + zero - top + 3, rx: 3, class: "marks-front" });
  const way = svg("text", { y: 8, class: "marks-name" });
  const lines = mark.names.map((_, k) => svg("path", { class: `marks-line ${lineClass(k)}` }));
  const columns = Array.from({ length: count }, (_, i) => {
    const cells = Array.from({ length: 2 * units }, (_, k) => svg("rect", { y: top + Math.floor(k / 2) * cell, height: cell - 1 }));
    const dots = mark.names.map((_, k) => svg("circle", { r: 3.2, class: `marks-dot ${lineClass(k)}` }));
    const place = svg("rect", { y: top - 3, height: height - top - 16, class: "marks-handle-area" });
    const name = svg("text", { y: to + zero + 14, class: "marks-name" }, String(i + 1));
    const column = svg("g", { class: "marks-element marks-layer", role: "gridcell" }, place, ...cells, ...dots, name);
    page.register(keyOf(mark.of, [i]), column);
    return Object.assign(column, { cells, dots, place, name });
  });
  const words = svg("text", { x: left + room / 2, y: height - 6, class: "marks-name" }, "layer");
  picture.append(axes, front, way, ...lines, ...columns, words);
  page.roving(picture, mark, 1, count, (_, j) => columns[j]);
  if (mark.pick) page.pickable(picture, mark);
  const legend = node("div", { className: "marks-legend" }, ...mark.names.map((name, k) => node("span", { className: lineClass(k), textContent: name })));

  let [wide, placed, low, high] = [0, 0, 0, 1];
  const middle = (i) => left + (i + 0.5) * wide;
  const level = (power) => to - ((power - low) / (high - low)) * plot;
  // the layers that there are share the room
  function place(there) {
    if (placed === there) return;
    placed = there;
    wide = Math.min(72, room / there);
    const half = Math.max(1, (wide - 4) / 2);
    columns.forEach((column, i) => {
      column.cells.forEach((rect, k) => {
        rect.setAttribute("x", left + i * wide + 2 + (k % 2) * half);
        rect.setAttribute("width", half - 0.5);
      });
      column.place.setAttribute("x", left + i * wide);
      column.place.setAttribute("width", wide);
      column.name.setAttribute("x", middle(i));
      setText(column.name, wide >= 22 || i === 0 || (i + 1) % 5 === 0 ? String(i + 1) : "");
      column.dots.forEach((dot) => dot.setAttribute("cx", middle(i)));
    });
    front.setAttribute("width", wide);
    words.setAttribute("x", left + (there * wide) / 2);
  }
  function drawAxes(there) {
    const now = `${low} ${high} ${there} ${page.theme.paper}`;
    if (axes.dataset.drawn === now) return;
    axes.dataset.drawn = now;
    const end = left + there * wide;
    const ticks = ticksOf([low, high], true).map(([power, name]) =>
      svg("g", {}, svg("line", { x1: left, x2: end, y1: level(power), y2: level(power) }), svg("text", { x: left - 16, y: level(power), class: "marks-end" }, name)));
    // how a size is coloured in the cells above
    const bars = ["value", "gradient"].flatMap((kind, b) => Array.from({ length: 12 }, (_, k) =>
      svg("rect", { x: left - 12 + 5 * b, width: 4, y: to - ((k + 1) / 12) * plot, height: plot / 12 + 0.3, fill: `rgb(${colourOf(page.theme, kind, (k + 0.5) / 12, 1)})` })));
    axes.replaceChildren(...ticks, ...bars, svg("text", { x: left - 16, y: to + zero - 4, class: "marks-end" }, "0"));
  }
  // where a size stands: [y, hollow]; hollow is what lies beyond the axis, or is exactly 0
  const stand = (power) => (power < NO_SIZE ? [to + zero - 4, true] : [level(Math.min(high, Math.max(low, power))), power < low - 0.02 || power > high + 0.02]);

  function show(arrays) {
    const [values, gradients, sizes, shown, limits] = [mark.of, mark.gradients, mark.sizes, mark.shown, mark.limits].map((name) => arrays[name].data);
    const states = [...shown].map(Math.round);
    const there = Math.max(1, states.filter((state) => state >= 0).length);
    [low, high] = limits;
    place(there);
    drawAxes(there);
    const needed = (k) => (k === 1 ? 2 : 1);
    columns.forEach((column, i) => {
      column.style.display = states[i] < 0 ? "none" : "";
      if (states[i] < 0) return;
      column.cells.forEach((rect, k) => {
        const known = states[i] >= needed(k % 2);
        const shade = (k % 2 ? gradients : values)[i * units + (k >> 1)];
        const fill = known ? `rgb(${colourOf(page.theme, k % 2 ? "gradient" : "value", shade, 1)})` : "none";
        rect.classList.toggle("marks-nought", known && shade === 0);
        if (rect.marksFill !== fill) rect.marksFill = rect.style.fill = fill;
      });
      column.dots.forEach((dot, k) => {
        const [y, hollow] = stand(sizes[k * count + i]);
        dot.style.display = states[i] >= needed(k) ? "" : "none";
        dot.setAttribute("cy", y);
        dot.classList.toggle("marks-off", hollow);
      });
    });
    lines.forEach((line, k) => {
      let [d, pen] = ["", "M"];
      states.forEach((state, i) => {
        const [y, hollow] = stand(sizes[k * count + i]);
        if (state < needed(k) || hollow) return (pen = "M");
        d += `${pen}${middle(i).toFixed(1)} ${y.toFixed(1)}`;
        pen = "L";
      });
      line.setAttribute("d", d);
    });
    showFront(states.slice(0, there));
    page.tellers[mark.of] = ([i]) => tell(i, states[i], sizes);
  }
  // where the signal is now, as long as it is on its way
  function showFront(states) {
    const back = states.includes(2);
    const at = back ? states.indexOf(2) : states.lastIndexOf(1);
    const moving = at >= 0 && (back ? at > 0 : true);
    front.style.display = way.style.display = moving ? "" : "none";
    if (!moving) return;
    front.setAttribute("x", left + at * wide);
    front.classList.toggle("marks-back", back);
    way.setAttribute("x", middle(at));
    setText(way, back ? "\u25c0" : "\u25b6");
  }
  function tell(i, state, sizes) {
    const size = (k) => (sizes[k * count + i] < NO_SIZE ? "0" : (10 ** sizes[k * count + i]).toExponential(1));
    const known = mark.names.flatMap((name, k) => (state >= (k === 1 ? 2 : 1) ? [`${name} ${size(k)}`] : []));
    return `layer ${i + 1}${known.length ? ": " : ""}${known.join(", ")}`;
  }
  return { element: node("div", {}, picture, legend), show };
}
const lineClass = (k) => ["marks-value", "marks-gradient", "marks-value marks-line-1"][k];
