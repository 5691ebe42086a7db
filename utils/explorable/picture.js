// Matplotlib's picture on the page, and the pointer over it: which controls a click sets.

// How far a picture shrinks on a phone, where it is scrolled then: its smallest numbers stay 12 px high.
const LEAST = 0.87;

// Data coordinate at a fraction t of an axis, given its limits and its scale.
const invert = ([low, high, scale], t) => (scale === "log" ? low * (high / low) ** t : low + t * (high - low));

// The fraction at which a number lies.
const share = ([low, high, scale], x) => (scale === "log" ? Math.log(x / low) / Math.log(high / low) : (x - low) / (high - low));

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


// A stage shows frames: it makes one of a reply, shows it, says what a saved notebook keeps of it, and forgets it.
function pictureStage(spec, { act, asleep, last }) {
  const image = node("img", { alt: spec.alt, draggable: false, width: spec.width, height: spec.height });
  const over = node("div", { className: "explorable-over" });
  const sheet = node("div", { className: "explorable-sheet" }, image, over);
  sheet.style.setProperty("--least", `${Math.round(LEAST * spec.width)}px`);
  let geometry = [];
  let guess = null; // a number
  let loaded = ""; // the address of the picture that is on the page

  function frame({ readout, geometry, type }, data) {
    // text in a file on its own, where a page's rules may forbid blobs; bytes from a kernel or a saved notebook
    const inline = typeof data === "string" && `data:${type};base64,${data}`;
    return { readout, geometry, type, data, url: inline || URL.createObjectURL(new Blob([data], { type })) };
  }
  // A picture that cannot be loaded leaves the one before; without a cache nobody asks for the old ones again.
  image.onload = () => {
    if (!spec.cache && loaded !== image.src) URL.revokeObjectURL(loaded);
    loaded = image.src;
  };
  image.onerror = () => loaded && loaded !== image.src && (image.src = loaded);
  function show({ url, geometry: boxes }) {
    const before = image.src;
    if (before !== url) image.src = url;
    if (!spec.cache && ![url, loaded].includes(before)) URL.revokeObjectURL(before);
    geometry = boxes;
    markGuess();
  }
  // A line across the axes where a guessed number lies, at their edge where it lies beyond.
  function markGuess() {
    const place = geometry[spec.picks.length];
    if (guess === null || !spec.guess || !place) return over.replaceChildren();
    const [left, top, right, bottom] = place.box.map((share) => 100 * share);
    const t = Math.min(1, Math.max(0, share(place[spec.guess], guess)));
    const upright = spec.guess === "x";
    const line = node("div", { className: `explorable-guess-line explorable-guess-${spec.guess}` }, node("span", { textContent: "your guess" }));
    const [x, y] = [left + t * (right - left), bottom - t * (bottom - top)];
    Object.assign(line.style, upright ? { left: `${x}%`, top: `${top}%`, height: `${bottom - top}%` } : { top: `${y}%`, left: `${left}%`, width: `${right - left}%` });
    over.replaceChildren(line);
  }
  function point(event, passing) {
    if (asleep()) return;
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
  return {
    element: node("div", { className: "explorable-picture" }, sheet),
    frame,
    show,
    guess: (given) => ((guess = given?.number ?? null), markGuess()),
    kept: ({ readout, geometry, type, data }) => ({ readout, geometry, type, data }),
    forget: ({ url }) => URL.revokeObjectURL(url),
    close: () => spec.cache || [loaded, image.src].forEach((url) => URL.revokeObjectURL(url)),
  };
}
