// What can be wrong with the looks of a piece of a page: small, overlapping, clipped, pale or scrolled text, and narrow targets.

globalThis.look = (() => {
  const short = (text) => (text = text.trim().replace(/\s+/g, " ")).length > 40 ? `${text.slice(0, 39)}…` : text;
  const nameOf = (element) => `${element.localName}${[...element.classList].filter((name) => !name.startsWith("marks-l")).slice(0, 2).map((name) => `.${name}`).join("")}`;
  const visible = (element) => element.checkVisibility({ visibilityProperty: true, opacityProperty: true });
  const rounded = (number) => Math.round(number * 10) / 10;

  // --- Texts: what a reader sees as letters. ---
  function* texts(root) {
    for (const element of root.querySelectorAll("svg text")) {
      if (!element.textContent.trim() || !visible(element)) continue;
      const matrix = element.getScreenCTM();
      const scale = matrix ? Math.hypot(matrix.a, matrix.b) : 1;
      yield { element, words: element.textContent, box: element.getBoundingClientRect(), size: parseFloat(getComputedStyle(element).fontSize) * scale, svg: element.ownerSVGElement };
    }
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    const range = document.createRange();
    while (walker.nextNode()) {
      const text = walker.currentNode;
      const element = text.parentElement;
      if (!text.data.trim() || element.closest("svg, script, style, select, annotation") || !visible(element)) continue;
      range.selectNodeContents(text);
      const box = range.getBoundingClientRect();
      if (box.width < 1 || box.height < 1) continue;
      yield { element, words: text.data, box, size: parseFloat(getComputedStyle(element).fontSize), svg: null };
    }
    for (const element of root.querySelectorAll("select, input[type=text], input[type=number]")) {
      if (!visible(element)) continue;
      const words = element.selectedOptions?.[0]?.textContent ?? element.value;
      yield { element, words, box: element.getBoundingClientRect(), size: parseFloat(getComputedStyle(element).fontSize), svg: null };
    }
  }

  // --- Colours, as a painter would read them. ---
  const board = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const known = new Map();
  function colour(text) {
    if (!known.has(text)) {
      board.clearRect(0, 0, 1, 1);
      board.fillStyle = text;
      board.fillRect(0, 0, 1, 1);
      const [r, g, b, a] = board.getImageData(0, 0, 1, 1).data;
      known.set(text, [r, g, b, a / 255]);
    }
    return known.get(text);
  }
  const over = ([r, g, b, a], [R, G, B]) => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a), 1];
  const faded = ([r, g, b, a], opacity) => [r, g, b, a * opacity];
  function luminance([r, g, b]) {
    const [x, y, z] = [r, g, b].map((byte) => byte / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  }
  function contrast(one, other) {
    const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  }
  const opacityOf = (element) => {
    let product = 1;
    for (let one = element; one; one = one.parentElement) product *= Number(getComputedStyle(one).opacity);
    return product;
  };
  // null where a picture lies behind
  function paperOf(element) {
    const layers = [];
    for (let one = element; one; one = one.parentElement) {
      const { backgroundColor, backgroundImage } = getComputedStyle(one);
      if (backgroundImage !== "none") return null;
      const layer = colour(backgroundColor);
      if (layer[3] > 0) layers.push(layer);
      if (layer[3] === 1) break;
    }
    const ground = getComputedStyle(document.documentElement).colorScheme === "dark" ? [18, 18, 18, 1] : [255, 255, 255, 1];
    return layers.reduceRight((below, layer) => over(layer, below), ground);
  }
  const inside = (x, y, box) => x > box.left && x < box.right && y > box.top && y < box.bottom;
  function behind({ element, box, svg }) {
    const style = getComputedStyle(element);
    const page = paperOf(svg.parentElement);
    if (style.paintOrder.startsWith("stroke") && style.stroke !== "none" && parseFloat(style.strokeWidth) >= 3) return colour(style.stroke);
    const [x, y] = [(box.left + box.right) / 2, (box.top + box.bottom) / 2];
    let found = page;
    for (const shape of svg.querySelectorAll("rect, circle")) {
      if (shape.compareDocumentPosition(element) & Node.DOCUMENT_POSITION_PRECEDING) break;
      if (shape.closest("clipPath, defs") || !inside(x, y, shape.getBoundingClientRect())) continue;
      const { fill, fillOpacity } = getComputedStyle(shape);
      if (fill === "none" || !found) continue;
      found = over(faded(colour(fill), Number(fillOpacity) * opacityOf(shape)), found);
    }
    return found;
  }

  // --- The finders; each yields [kind, what is wrong]. ---
  function* small(all, { phone }) {
    for (const { element, words, size } of all) {
      const least = element.closest("math") ? 8 : phone ? 12 : 10; // subscripts are meant to be small
      if (size < least - 0.05) yield ["small", `“${short(words)}” is ${rounded(size)} px`];
    }
  }
  function* smallInPictures(root, { phone, pictureText }) {
    for (const image of root.querySelectorAll("img")) {
      const meant = Number(image.getAttribute("width")) || image.naturalWidth;
      const size = (pictureText * image.getBoundingClientRect().width) / meant;
      if (meant && size < (phone ? 12 : 10)) yield ["small", `the picture's own text is about ${rounded(size)} px`];
    }
  }
  function* overlapping(all) {
    const groups = Map.groupBy(all.filter(({ svg }) => svg), ({ svg }) => svg);
    for (const group of groups.values()) {
      const cores = group.map(({ box, words }) => {
        const air = box.height * 0.2; // letters are lower than their line
        return { words, left: box.left + 1, right: box.right - 1, top: box.top + air, bottom: box.bottom - air };
      });
      for (const [i, one] of cores.entries()) for (const other of cores.slice(i + 1)) {
        const width = Math.min(one.right, other.right) - Math.max(one.left, other.left);
        const height = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
        if (width > 1 && height > 1) yield ["overlap", `“${short(one.words)}” and “${short(other.words)}” lie over each other`];
      }
    }
  }
  function* clipped(root, all) {
    for (const { element, words, box, svg } of all) {
      if (element.matches("input")) {
        if (element.scrollWidth > element.clientWidth + 1) yield ["clipped", `“${short(words)}” does not fit its field`];
        continue;
      }
      if (svg) {
        const frame = svg.getBoundingClientRect();
        const open = getComputedStyle(svg).overflow === "visible";
        const beyond = Math.max(frame.left - box.left, box.right - frame.right, frame.top - box.top - box.height * 0.2, box.bottom - box.height * 0.2 - frame.bottom);
        if (!open && beyond > 1) yield ["clipped", `“${short(words)}” goes ${rounded(beyond)} px beyond its drawing`];
        const shape = element.parentElement.querySelector(":scope > rect, :scope > circle");
        const home = shape?.getBoundingClientRect();
        const [x, y] = [(box.left + box.right) / 2, (box.top + box.bottom) / 2];
        if (home && home.width > 20 && inside(x, y, home) && box.width > home.width) yield ["clipped", `“${short(words)}” is wider than its ${shape.localName}`];
        continue;
      }
      for (let one = element; one && one !== root.parentElement; one = one.parentElement) {
        const { overflowX, overflowY, display } = getComputedStyle(one);
        const frame = one.getBoundingClientRect();
        if (display === "inline" || frame.width < 3) continue;
        const hides = (overflow) => overflow === "hidden" || overflow === "clip";
        if ((hides(overflowX) && (box.right > frame.right + 1 || box.left < frame.left - 1)) || (hides(overflowY) && box.bottom > frame.bottom + 2)) {
          yield ["clipped", `“${short(words)}” is cut off by ${nameOf(one)}`];
          break;
        }
      }
    }
  }
  function* pale(all) {
    for (const text of all) {
      const { element, words, size, svg } = text;
      if (element.closest(":disabled") || element.ariaDisabled === "true") continue;
      const style = getComputedStyle(element);
      const paper = svg ? behind(text) : paperOf(element);
      if (!paper) continue;
      const ink = svg ? faded(colour(style.fill), Number(style.fillOpacity)) : colour(style.color);
      const ratio = contrast(over(faded(ink, opacityOf(element)), paper), paper);
      const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
      const shown = element.closest("math [data-of]") ?? element.closest("math") ?? element; // a formula, not each of its letters
      const name = shown === element ? words : shown.textContent;
      if (ratio < (large ? 3 : 4.5) - 0.02) yield ["contrast", `“${short(name)}” has a contrast of ${rounded(ratio)} in ${nameOf(shown)}`];
    }
  }
  function* sideways(root) {
    for (const element of root.querySelectorAll("*")) {
      const { overflowX } = getComputedStyle(element);
      if (!["auto", "scroll"].includes(overflowX) || element.scrollWidth <= element.clientWidth + 1 || !visible(element)) continue;
      const name = element.querySelector(":scope > figcaption")?.textContent || element.textContent;
      yield ["sideways", `${nameOf(element)} scrolls sideways, ${element.scrollWidth} px in ${element.clientWidth}: “${short(name)}”`];
    }
    const frame = root.getBoundingClientRect();
    if (root.scrollWidth > root.clientWidth + 1 || frame.right > innerWidth + 1) yield ["sideways", `${nameOf(root)} is ${root.scrollWidth} px wide in ${root.clientWidth}`];
    for (let one = root.parentElement; one; one = one.parentElement) {
      const { overflowX } = getComputedStyle(one);
      if (["auto", "scroll"].includes(overflowX) && one.scrollWidth > one.clientWidth + 1 && root.scrollWidth > one.clientWidth) {
        yield ["sideways", `${nameOf(one)} around it scrolls sideways`];
        break;
      }
    }
  }
  function* narrow(root, { phone }) {
    if (!phone) return;
    const targets = root.querySelectorAll("button, summary, select, input, canvas[tabindex], .marks-drag [data-key], .marks-pick [data-key]");
    const found = new Map(); // kind of target -> [how many, the smallest]
    for (const target of targets) {
      const element = (target.matches("input[type=radio], input[type=checkbox]") && target.closest("label")) || target;
      if (!visible(element)) continue;
      const box = element.getBoundingClientRect();
      const handle = element.querySelector?.(".marks-handle");
      const [width, height] = handle ? [parseFloat(getComputedStyle(handle).strokeWidth), 44] : [box.width, box.height];
      if (Math.min(width, height) >= 43.5 || !width) continue;
      const kind = element.dataset.key ? `${nameOf(element)} of ${element.dataset.key.split(":")[0]}` : target.type === "range" ? "slider" : nameOf(element);
      const [count, least] = found.get(kind) ?? [0, [Infinity, Infinity]];
      found.set(kind, [count + 1, Math.min(width, height) < Math.min(...least) ? [width, height] : least]);
    }
    for (const [kind, [count, [width, height]]] of found) yield ["touch", `${kind}: ${count} of at least ${Math.round(width)} x ${Math.round(height)} px`];
  }

  // A slanted straight line, such as a tangent, may leave its axes: what is in sight tells where it goes.
  function leavesStraight(points) {
    if (points.length < 3) return false;
    const [[x1, y1], [x2, y2]] = [points[0], points.at(-1)];
    const length = Math.hypot(x2 - x1, y2 - y1);
    const off = ([x, y]) => Math.abs((x2 - x1) * (y - y1) - (y2 - y1) * (x - x1)) / length;
    return Math.abs(y2 - y1) > 1 && points.every((point) => off(point) < 0.5);
  }
  // Values at the edge of an axis. The frame of a plot is the rectangle of its clip path, two pixels wider on each side.
  const AIR = 2;
  function* piled(root) {
    for (const svg of root.querySelectorAll("svg:has(> clipPath)")) {
      const frame = svg.querySelector("clipPath rect");
      const [x, y, width, height] = ["x", "y", "width", "height"].map((name) => Number(frame.getAttribute(name)));
      const [top, bottom] = [y + AIR, y + height - AIR];
      const name = short(svg.ariaLabel ?? "");
      const at = (place) => Math.abs(place - top) < 0.2 || Math.abs(place - bottom) < 0.2;
      for (const line of svg.querySelectorAll("path.marks-line")) {
        const points = [...(line.getAttribute("d") ?? "").matchAll(/[ML](\S+) (\S+?)(?=[ML]|$)/g)].map(([, left, place]) => [Number(left), Number(place)]);
        const places = points.map(([, place]) => place);
        const beyond = places.filter((place) => place < top - AIR || place > bottom + AIR).length;
        const edge = places.filter(at).length;
        if (beyond > 0.2 * places.length && !leavesStraight(points)) yield ["axis", `${name}: ${beyond} of ${places.length} values of a line lie beyond the axis`];
        else if (edge > 3 && edge > 0.2 * places.length && edge < places.length) yield ["axis", `${name}: ${edge} of ${places.length} values of a line lie on the edge of the axis`];
      }
      const dots = [...svg.querySelectorAll("circle.marks-dot")].map((dot) => [Number(dot.getAttribute("cx")), Number(dot.getAttribute("cy"))]);
      const out = dots.filter(([cx, cy]) => cx < x - 1 || cx > x + width + 1 || cy < y - 1 || cy > y + height + 1).length;
      if (out) yield ["axis", `${name}: ${out} of ${dots.length} points lie outside the axes`];
      yield* piledBars(svg, name, [top, bottom]);
    }
  }
  const numberOf = (text) => Number(text.textContent.replace("\u2212", "-"));
  function* piledBars(svg, name, [top, bottom]) {
    const ticks = [...svg.querySelectorAll(".marks-axes text.marks-end")].map((text) => [Number(text.getAttribute("y")), numberOf(text)]);
    if (ticks.length < 2) return;
    const [[y1, v1], [y2, v2]] = [ticks[0], ticks.at(-1)];
    const valueAt = (place) => v1 + ((place - y1) * (v2 - v1)) / (y2 - y1);
    const [high, low] = [valueAt(top), valueAt(bottom)];
    const air = 0.01 * (high - low) + 1e-9;
    const numbers = [...svg.querySelectorAll("text.marks-number")].filter((text) => text.textContent).map(numberOf);
    const beyond = numbers.filter((value) => value > high + air || value < low - air).length;
    if (beyond) yield ["axis", `${name}: ${beyond} of ${numbers.length} bars end at the edge of the axis, their values do not`];
  }
  function* noNumbers(root) {
    for (const readout of root.querySelectorAll(".explorable-readout")) {
      if (/(?<![a-z])(nan|inf|infinity)(?![a-z])/i.test(readout.textContent)) yield ["nan", `the read-out says: ${short(readout.textContent)}`];
    }
  }

  return (root, options) => {
    const all = [...texts(root)];
    const found = [
      ...small(all, options), ...smallInPictures(root, options), ...overlapping(all), ...clipped(root, all), ...pale(all),
      ...sideways(root), ...narrow(root, options), ...piled(root), ...noNumbers(root),
    ];
    return [...new Map(found.map((one) => [one.join(), one])).values()];
  };
})();
