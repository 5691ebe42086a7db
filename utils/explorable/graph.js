// Marks: graphs. Nodes joined by edges, lying or upright as there is room; what a node is made of, there and back.

const NODE = 28; // the radius of a node
const BOX = { width: 102, height: 48, line: 14, letters: 14 };
const LETTER = 7.6; // the width of a character
const STROLL = 320; // ms: how long something runs along an edge

// A name in lines that fit a box: the number first, then the words.
function boxed(name) {
  const lines = [];
  for (const word of name.split(" ")) {
    const longer = `${lines.at(-1)} ${word}`;
    if (lines.length > 1 && longer.length <= BOX.letters) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

function graph(mark, page) {
  const { boxes, weighted } = mark;
  const picture = svg("svg", { role: "grid", "aria-label": mark.label });
  const chain = node("div", { className: "marks-chain" });
  const element = node("div", { className: boxes ? "marks-boxes" : "" }, picture);
  if (mark.slopes || mark.lineage.length) element.append(chain);
  const vias = new Map(mark.via);
  const opens = (i) => mark.opens[i] || "";
  const dragged = new Map(mark.nodeDrag);
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;

  const edges = mark.edges.map((_, i) => {
    const [wide, line] = ["marks-followed", "marks-edge"].map((name) => svg("path", { class: name }));
    const dot = svg("circle", { r: 6, class: "marks-pulse" });
    if (i >= weighted) return { group: svg("g", { class: "marks-plain-edge" }, wide, line, dot), wide, line, dot };
    const handle = svg("path", { class: "marks-handle" });
    const [words, gradient] = ["parameter", "gradient"].map((kind) => svg("text", { class: `marks-${kind}-text` }));
    const plate = svg("rect", { class: "marks-plate", rx: 3 });
    const group = svg("g", { class: "marks-element", role: "gridcell" }, wide, line, handle, dot, plate, words, gradient);
    page.register(keyOf(mark.weights, [i]), group, (value) => `${mark.edgeNames[i] ?? "edge"} = ${short(value)}`);
    return { group, wide, line, handle, dot, plate, words, gradient };
  });
  const nodes = mark.places.map((_, i) => {
    const shape = boxes ? svg("rect", { width: BOX.width, height: BOX.height, rx: 6 }) : svg("circle", { r: NODE });
    const lines = boxes ? boxed(mark.names[i]) : [];
    const texts = boxes ? lines.map((words) => svg("text", { class: "marks-box-text" }, words)) : ["value-text", "gradient-text", "name marks-halo"].map((name) => svg("text", { class: `marks-${name}` }));
    if (!boxes) setText(texts[2], mark.names[i] ?? "");
    const group = svg("g", { class: "marks-element marks-node", role: "gridcell" }, shape, ...texts);
    group.classList.toggle("marks-opens", Boolean(opens(i)));
    if (mark.drag && !dragged.has(i)) group.style.cursor = "default";
    page.register(keyOf(mark.of, [i]), group, (value) => (boxes ? sentenceOf(i) : `${mark.names[i] ?? i} = ${short(value)}`));
    return { group, shape, texts };
  });
  picture.append(...edges.map(({ group }) => group), ...nodes.map(({ group }) => group));

  // --- Where all of it stands. ---
  let stands = null;
  function arrange(room) {
    const upright = mark.upright.length > 0 && room < mark.narrowest;
    const [most, height] = upright ? mark.upright : mark.lying;
    const width = boxes || upright ? most : Math.min(most, Math.max(mark.narrowest, room));
    if (stands === `${upright} ${width}`) return;
    stands = `${upright} ${width}`;
    for (const [name, value] of Object.entries({ width, height, viewBox: `0 0 ${width} ${height}` })) picture.setAttribute(name, value);
    const turned = (place) => (upright ? [place[1], place[0]] : place);
    const ranges = [0, 1].map((k) => mark.places.map((place) => turned(place)[k])).map((values) => [Math.min(...values), Math.max(...values)]);
    const at = (place) =>
      turned(place).map((value, k) => {
        const [[low, high], size] = [ranges[k], [width, height][k]];
        return high > low ? mark.margin[k] + ((value - low) / (high - low)) * (size - 2 * mark.margin[k]) : size / 2;
      });
    const set = (one, attributes) => Object.entries(attributes).forEach(([name, value]) => one.setAttribute(name, value));
    nodes.forEach(({ shape, texts }, i) => {
      const [x, y] = at(mark.places[i]);
      // a name stands above its node, or below where all edges come from above
      const steep = mark.edges.flatMap(([a, b]) => (a === i ? [at(mark.places[b])] : b === i ? [at(mark.places[a])] : [])).every(([right, down]) => y - down > Math.abs(x - right));
      const name = steep && mark.edges.length ? y + NODE + 10 : y - NODE - 9;
      set(shape, boxes ? { x: x - BOX.width / 2, y: y - BOX.height / 2 } : { cx: x, cy: y });
      if (boxes) texts.forEach((text, k) => set(text, { x, y: y + BOX.line * (k - (texts.length - 1) / 2) }));
      else texts.forEach((text, k) => set(text, { x, y: [y, y + 9, name][k] }));
    });
    edges.forEach(({ wide, line, handle, plate, words, gradient }, i) => {
      const stops = [mark.places[mark.edges[i][0]], ...(vias.get(i) ?? []), mark.places[mark.edges[i][1]]].map(at);
      for (const path of [wide, line, handle]) path?.setAttribute("d", rounded(stops));
      if (!words) return;
      const t = mark.spots[Number(upright)][i];
      const [x, y] = [0, 1].map((k) => stops[0][k] + t * (stops.at(-1)[k] - stops[0][k]));
      for (const [text, down] of [[words, -7], [gradient, 8]]) set(text, { x, y: y + down });
      set(plate, { x, y: y - 15, height: 31 });
    });
  }
  arrange(mark.lying[0]);

  // --- What is touched. ---
  const index = (key) => {
    const [i] = placeOf(key);
    if (!weighted) return nameOf(key) === mark.of ? i : undefined;
    return nameOf(key) === mark.weights ? mark.dragIndex[i] : nameOf(key) === mark.of ? dragged.get(i) : undefined;
  };
  const reachable = [...nodes, ...edges.slice(0, weighted).filter((_, i) => !mark.quiet.includes(i))];
  page.roving(picture, { drag: mark.drag, flat: index }, 1, reachable.length, (_, j) => reachable[j].group);
  if (mark.drag) page.draggable(picture, { drag: mark.drag, pick: mark.pick, flat: index }, { cursor: "ns-resize" });
  if (mark.pick) page.pickable(picture, { pick: mark.pick, flat: index });
  if (mark.opens.some(Boolean)) {
    const open = ({ target }) => {
      const key = target.closest("[data-key]")?.dataset.key;
      if (key && nameOf(key) === mark.of && opens(placeOf(key)[0])) openChapter(opens(placeOf(key)[0]));
    };
    picture.addEventListener("click", open);
    picture.addEventListener("keydown", (event) => event.key === "Enter" && open(event));
    mendLinks();
  }

  // --- What belongs to a node: all before it and all after it. ---
  function beyond(i, [from, to], found = new Set()) {
    for (const edge of mark.edges) if (edge[from] === i && !found.has(edge[to])) beyond(edge[to], [from, to], found.add(edge[to]));
    return found;
  }
  const listed = (found) => [...found].sort((a, b) => a - b).map((i) => mark.names[i]).join(", ") || "nothing";
  const relatives = (i) => [beyond(i, [1, 0]), beyond(i, [0, 1])];
  function sentenceOf(i) {
    const [before, after] = relatives(i);
    const [first, second] = mark.lineage;
    return `${mark.names[i]}${opens(i) ? "" : ", not written yet"}. ${first}: ${listed(before)}. ${second}: ${listed(after)}.`;
  }
  function family(i) {
    const [before, after] = i === null ? [new Set(), new Set()] : relatives(i);
    const belongs = (group, one, set) => group.classList.toggle(one, set);
    nodes.forEach(({ group }, k) => {
      belongs(group, "marks-before", before.has(k));
      belongs(group, "marks-after", after.has(k));
      belongs(group, "marks-far", i !== null && k !== i && !before.has(k) && !after.has(k));
    });
    edges.forEach(({ group }, k) => {
      const [from, to] = mark.edges[k];
      belongs(group, "marks-before", before.has(from) && (to === i || before.has(to)));
      belongs(group, "marks-after", after.has(to) && (from === i || after.has(from)));
    });
    const [first, second] = mark.lineage;
    const row = (kind, words, found) => node("div", { className: `marks-${kind}` }, `${words}: `, listed(found));
    const title = node("div", {}, i === null ? "" : node("b", { textContent: mark.names[i] }), i === null || opens(i) ? "" : ", not written yet");
    chain.replaceChildren(...(i === null ? [] : [title, row("value", first, before), row("gradient", second, after)]));
  }

  // --- What a node or a weight is made of, there and back: local slopes times the gradients that come in. ---
  let seen = null;
  const known = (name, i) => (name ? Math.round(seen[name].data[i]) : 2);
  const number = (name, i) => written(seen[name].data[i], mark.digits);
  const term = (kind, words) => node("span", { className: `marks-${kind}`, textContent: words });
  const result = mark.names[mark.places.findIndex((_, i) => mark.edges.every(([from]) => from !== i))] ?? "L";
  const d = (name) => `d${result}/d${name}`;
  const joined = (parts, between) => parts.flatMap((part, k) => (k ? [between, part] : [part])).flat();
  function back(name, gradient, products) {
    const symbols = products.map(({ by, kind, to }) => [term(kind, by), " \u00b7 ", term("gradient", d(mark.names[to]))]);
    const numbers = products.map(({ value, kind, to }) => [term(kind, value), " \u00b7 ", term("gradient", number(mark.gradients, to))]);
    const left = d(name);
    const indent = " ".repeat(left.length);
    if (!products.length) return [node("div", {}, term("gradient", left), " = ", term("gradient", gradient))];
    return [
      node("div", {}, term("gradient", left), " = ", ...joined(symbols, " + ")),
      node("div", {}, indent, " = ", ...joined(numbers, " + "), " = ", term("gradient", gradient)),
    ];
  }
  function ofNode(i) {
    const name = mark.names[i];
    const state = known(mark.shown, i);
    const kind = dragged.has(i) ? "parameter" : "value";
    if (!state) return [node("div", {}, term(kind, name), " is not computed yet")];
    const made = mark.made[i] ? ` = ${mark.made[i]}` : "";
    const rows = [node("div", {}, term(kind, name), `${made} = `, term(kind, number(mark.of, i)))];
    if (state < 2) return rows;
    const products = mark.edges.flatMap(([from, to], k) =>
      from === i ? [{ by: mark.slopeNames[k] ?? "", kind: k < weighted && !mark.quiet.includes(k) ? "parameter" : "plain", value: number(mark.slopes, k), to }] : [],
    );
    return [...rows, ...back(name, number(mark.gradients, i), products)];
  }
  function ofEdge(k) {
    const [from, to] = mark.edges[k];
    if (mark.quiet.includes(k)) return ofNode(from);
    const rows = [node("div", {}, term("parameter", mark.edgeNames[k]), " = ", term("parameter", number(mark.weights, k)))];
    if (known(mark.weightsShown, k) < 2) return rows;
    const product = { by: mark.names[from], kind: "value", value: number(mark.of, from), to };
    return [...rows, ...back(mark.edgeNames[k], number(mark.weightGradients, k), [product])];
  }
  function focus(key) {
    const name = key && nameOf(key);
    const mine = name === mark.of || (weighted && name === mark.weights);
    if (mark.lineage.length) return family(mine ? placeOf(key)[0] : null);
    if (!mark.slopes || !seen) return;
    const hint = [node("div", { textContent: "Point at a node or at a weight: what it is made of, there and back." })];
    chain.replaceChildren(...(mine ? (name === mark.of ? ofNode : ofEdge)(placeOf(key)[0]) : hint));
  }

  // --- What is shown. ---
  let pulses = "";
  function run(data) {
    const now = [...data].map(Math.round).join("");
    const fresh = now !== pulses && pulses !== "";
    pulses = now;
    edges.forEach(({ group, line, dot }, i) => {
      const way = Math.round(data[i]);
      group.classList.toggle("marks-forth", way > 0);
      group.classList.toggle("marks-back", way < 0);
      if (!fresh || !way || calm) return;
      const length = line.getTotalLength();
      const steps = [0, 0.5, 1].map((t) => line.getPointAtLength(length * (way > 0 ? t : 1 - t)));
      dot.animate(steps.map(({ x, y }) => ({ transform: `translate(${x}px, ${y}px)`, opacity: 1 })), STROLL);
    });
  }
  let watch = null;
  function show(arrays) {
    seen = arrays;
    const row = element.closest(".marks-row");
    if (row && !watch) (watch = new ResizeObserver(() => row.isConnected && row.clientWidth && arrange(row.clientWidth))).observe(row);
    const of = (name) => (name ? arrays[name].data : null);
    const [weights, slopes, followed] = [mark.weights, mark.weightGradients, mark.marked].map(of);
    const limit = weights ? largest(weights) || 1 : 1;
    edges.forEach(({ group, line, plate, words, gradient }, i) => {
      group.classList.toggle("marks-follow", Boolean(followed?.[i]));
      if (i >= weighted) return;
      line.style.strokeWidth = 1 + 3.5 * (Math.abs(weights[i]) / limit);
      line.classList.toggle("marks-negative", weights[i] < 0);
      const state = mark.quiet.includes(i) ? 0 : known(mark.weightsShown, i);
      setText(words, state > 0 ? `${mark.edgeNames[i] ? mark.edgeNames[i] + " " : ""}${written(weights[i], 2)}` : "");
      setText(gradient, slopes && state > 1 ? written(slopes[i], mark.digits) : "");
      const wide = LETTER * Math.max(words.textContent.length, gradient.textContent.length);
      plate.setAttribute("width", wide);
      plate.setAttribute("transform", `translate(${-wide / 2} 0)`);
    });
    nodes.forEach(({ group, texts }, i) => {
      const state = known(mark.shown, i);
      group.classList.toggle("marks-unknown", state === 0);
      group.classList.toggle("marks-returned", Boolean(mark.gradients) && state > 1);
      if (boxes) return;
      setText(texts[0], state > 0 ? number(mark.of, i) : "");
      setText(texts[1], mark.gradients && state > 1 ? number(mark.gradients, i) : "");
      texts[0].setAttribute("dy", mark.gradients && state > 1 ? -7 : 0);
    });
    if (mark.pulse) run(of(mark.pulse));
    focus(page.lit);
  }
  return { element, show, focus };
}

const short = (value) => String(Number(value.toPrecision(4))).replace("-", "\u2212");

// A path through all stops with round corners.
function rounded(stops, most = 9) {
  let path = `M${stops[0]}`;
  for (let k = 1; k < stops.length - 1; k++) {
    const near = (other) => {
      const [dx, dy] = [other[0] - stops[k][0], other[1] - stops[k][1]];
      const length = Math.hypot(dx, dy) || 1;
      const reach = Math.min(most, length / 2) / length;
      return [stops[k][0] + dx * reach, stops[k][1] + dy * reach];
    };
    path += `L${near(stops[k - 1])}Q${stops[k]} ${near(stops[k + 1])}`;
  }
  return `${path}L${stops.at(-1)}`;
}

// A page of its own has chapters beside it that are pages too. In Jupyter a link that came with the output knows how to
// open a notebook in its tab; without one the browser opens another.
const onPaper = () => /\.html?$/.test(location.pathname);
const asPage = (address) => address.replace(/\.ipynb$/, ".html");
const linksTo = () => [...document.querySelectorAll("a[data-opens]")];
function mendLinks() {
  if (onPaper()) for (const link of linksTo()) link.setAttribute("href", asPage(link.dataset.opens));
}
function openChapter(address) {
  const link = linksTo().find(({ dataset }) => dataset.opens === address);
  if (link) link.click();
  else if (onPaper()) location.assign(asPage(address));
  else open(address);
}
