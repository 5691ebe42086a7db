// An explorable in the browser: controls, play, frame cache, requests; the frames come from Python or were baked.

const CACHED_FRAMES = 400;
// The server's socket holds a reply back until it hears from the page again: up to 40 ms, unless small messages follow.
const PINGS = 3;
const PING_PAUSE = 6; // ms
const PAUSE_BETWEEN = 16; // ms, so that other controls and the page's own work have their turn
const smallest = (numbers) => numbers.indexOf(Math.min(...numbers));

// guess: what was guessed at the quiz before, see `guessOf` in cards.js; the function that comes back ends the view, and
// its `guess` shows another one.
function explorable({ model, el, guess = null }) {
  const spec = model.get("spec");
  const names = spec.controls.map(({ name }) => name);
  const specs = Object.fromEntries(spec.controls.map((control) => [control.name, control]));
  const viewId = Math.random().toString(36).slice(2);
  const last = (name) => (specs[name].texts?.length ?? 1) - 1;
  const label = (name) => specs[name].label;
  const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)").matches;

  const left = leftOf(model); // {values, frame}: what a reader who comes back will see
  const restored = !connected(el);
  let lost = restored;
  let state = { ...spec.start, ...left.values };
  let moved = names[0]; // the control that moved last
  let version = 0; // counts the settings asked for
  let request = null; // {seq, version, values}: never more than one in flight
  let timers = [];
  let playing = null; // the name of a slider
  let playTimer;

  // --- Frames by key. Baked ones stay; of the others the least recently seen goes first. The key of one that is live
  // only means nothing: its first frame is called "start". ---
  const cache = new Map();
  const written = (wire) => (Array.isArray(wire) ? wire.join(":") : String(wire));
  const keyOf = (values) => names.map((name) => written(values[name])).join(",");
  function keep(key, frame) {
    if (cache.has(key)) stage.forget(cache.get(key));
    cache.set(key, frame);
    for (const [oldest, old] of cache) {
      if (cache.size <= CACHED_FRAMES) break;
      if (old.baked || oldest === key) continue;
      stage.forget(old);
      cache.delete(oldest);
    }
  }
  const bake = (key, frame) => keep(key, { ...stage.frame(frame, frame.data), baked: true });
  function loadBaked() {
    for (const [key, frame] of Object.entries(model.get("frames") ?? {})) bake(key, frame);
    if (left.frame) bake(spec.cache ? keyOf(left.values) : "start", left.frame);
  }
  // From the first change on: the setting that is shown, and its picture unless it was prepared.
  function remember(values, frame) {
    if (!version) return;
    const prepared = spec.cache && keyOf(values) in model.get("frames");
    Object.assign(left, { values, frame: frame && !prepared ? stage.kept(frame) : undefined });
    touch(model);
  }

  // --- The page. ---
  const live = () => !lost && !model.get("offline");
  const wires = (name) => state[name];
  const stage = (spec.page ? marksStage : pictureStage)(spec, { act: (values) => act(values), asleep: () => asleep(), last, live, wires });
  const line = (name, role) => node("div", { className: `explorable-${name}`, role });
  const [readout, note, alert] = [line("readout", "status"), line("note", "status"), line("alert", "alert")];
  readout.ariaLive = "polite";
  const guessed = line("guess");
  const controls = {};
  // numbers are dragged in the marks, and what a click on an element sets needs no second place
  const picks = (spec.page?.marks ?? []).map(({ pick }) => pick);
  const shownNames = names.filter((name) => specs[name].kind !== "array" && (!picks.includes(name) || spec.play.includes(name)));
  for (const name of shownNames) {
    const build = BUILDERS[specs[name].kind];
    controls[name] = build(specs[name], `explorable-${viewId}-${name}`, (value) => act({ [name]: value }));
    controls[name].element.classList.add("explorable-control");
  }
  const players = {};
  const actions = (spec.actions ?? []).map((name) => {
    if (spec.play.includes(name)) players[name] = setIcon(button("", () => goOn(name)), "play", `play ${name}`);
    return node("span", {}, button(name, () => (stop(), take(name))), players[name] ?? "");
  });
  for (const name of spec.play.filter((one) => one in specs)) {
    const back = setIcon(button("", () => step(name, -1)), "back", `${label(name)}: one step back`);
    const forward = setIcon(button("", () => step(name, 1)), "forward", `${label(name)}: one step forward`);
    players[name] = setIcon(button("", () => playOrPause(name)), "play", `play ${label(name)}`);
    controls[name].row.prepend(back, players[name], forward);
  }
  const presets = spec.presets.map(({ name, values }) => [button(name, () => (stop(), act(values))), values]);
  const presetRow = node("fieldset", { className: "explorable-presets" }, ...presets.map(([element]) => element));
  presetRow.ariaLabel = "presets";
  const actionRow = node("fieldset", { className: "explorable-presets explorable-actions" }, ...actions);
  actionRow.ariaLabel = "actions";
  const grid = node("fieldset", { className: "explorable-controls" }, ...shownNames.map((name) => controls[name].element));
  const top = node("div", { className: "explorable-top" }, node("strong", { textContent: spec.title }), actionRow, presetRow);
  const root = node("div", { className: "explorable" }, top, grid, guessed, stage.element, readout, note, alert);
  if (spec.width) root.style.maxWidth = `${spec.width + 8}px`; // and 4 px of padding, so that no pixel is resampled

  // A page on its own shows no handle of what only Python could answer, and says so.
  const offline = model.get("offline");
  const asksPython = offline && (!spec.cache || spec.actions?.length || spec.controls.some(({ kind }) => kind === "array"));
  const PYTHON = spec.cache ? "Dragging and other moves need a running notebook." : "This picture moves in a running notebook.";
  if (offline && !spec.cache) grid.hidden = presetRow.hidden = true;
  const say = (element, words) => element.textContent !== words && (element.textContent = words);
  const wakes = () => (lost ? "Run the cell to wake this picture." : asksPython ? PYTHON : "");
  const remark = (words) => say(note, `${words} ${wakes()}`.trim());
  function show(frame, words = "") {
    stage.show(frame);
    say(readout, frame.readout);
    remark(words);
    say(alert, "");
  }

  // Asleep: nothing that the reader could do here would be answered.
  const asleep = () => lost && !model.get("baked") && (restored || !spec.cache);

  // --- Settings and requests: the newest setting wins. ---
  function act(values) {
    if (asleep()) return reflect();
    if (playing in specs) stop(); // an action goes on: it is steered while it runs
    change(values);
  }
  function change(values) {
    const changed = Object.keys(values).filter((name) => written(state[name]) !== written(values[name]));
    if (!changed.length) return;
    moved = changed[0];
    state = { ...state, ...values };
    version += 1;
    reflect();
    refresh();
  }
  function reflect() {
    grid.disabled = presetRow.disabled = asleep();
    actionRow.hidden = !actions.length || !live();
    for (const name of shownNames) controls[name].show(state[name]);
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
      remember(state, hit);
    } else if (asleep()) remark("");
    else if (lost || model.get("offline")) showNearest("");
    else if (!request) ask();
  }
  function ask(what = { kind: "values" }) {
    request = { seq: `${viewId}:${version}`, version, values: state };
    root.dataset.waiting = ""; // until the kernel has answered
    try {
      model.send({ ...what, values: state, seq: request.seq });
    } catch {
      return lose();
    }
    timers = [setInterval(overdue, 1000 * spec.patience)];
    for (let k = 1; k <= PINGS; k++) timers.push(setTimeout(() => model.send({ kind: "ping" }), k * PING_PAUSE));
    if (model.get("baked")) timers.push(setTimeout(() => showNearest("The kernel is busy. "), 700));
  }
  function overdue() {
    // An idle kernel that has not answered was restarted and does not know this explorable.
    if (model.widget_manager?.kernel?.status !== "idle") {
      return say(note, "The kernel is busy: the picture follows as soon as it is free.");
    }
    lose();
  }
  function lose() {
    lost = true;
    settle();
    stop();
    reflect();
    refresh();
  }
  function settle() {
    timers.forEach(clearTimeout);
    request = null;
    delete root.dataset.waiting;
  }
  function onReply(reply, buffers) {
    lost = false;
    if (reply.seq !== request?.seq) return; // meant for another view
    const { version: answered } = request;
    const newest = answered === version;
    const values = reply.values ?? request.values;
    settle();
    if (reply.kind === "frame") {
      if (reply.values && newest) {
        state = reply.values;
        reflect();
      }
      const frame = stage.frame(reply, buffers[0]);
      if (spec.cache) keep(keyOf(values), frame);
      show(frame);
      remember(values, frame);
    } else if (newest) {
      say(note, "");
      say(alert, `This setting cannot be drawn. ${reply.error}`);
    }
    if (reply.done || reply.kind === "error") stop();
    if (!newest) refresh();
    if (!request && playing && !(playing in specs)) playTimer = setTimeout(take, PAUSE_BETWEEN, playing);
  }

  // --- Actions: Python takes a step and says where it led; one that plays goes on when the page has been painted. ---
  function take(name) {
    if (asleep() || !live() || request) return;
    version += 1;
    ask({ kind: "action", name });
  }
  function goOn(name) {
    const wasPlaying = playing === name;
    stop();
    if (wasPlaying) return;
    playing = name;
    setIcon(players[name], "pause", `pause ${name}`);
    take(name);
  }
  function showNearest(why) {
    if (!spec.cache || !cache.size) return remark(`${why}The picture cannot follow.`);
    // The control that moved last decides first, so that none of them seems dead.
    const weights = names.map((name) => (name === moved ? 100 : 1) / Math.max(1, last(name)));
    const apart = (name, wire) => (specs[name].kind === "array" ? Number(wire !== written(state[name])) : Math.abs(wire - state[name]));
    const distance = (wires) => names.reduce((sum, name, i) => sum + weights[i] * apart(name, wires[i]), 0);
    const keys = [...cache.keys()].sort(); // among equals always the same one
    const nearest = keys[smallest(keys.map((key) => distance(key.split(","))))];
    const texts = nearest.split(",").map((wire, i) => [names[i], specs[names[i]].texts?.[wire]]);
    const setting = texts.filter(([, text]) => text !== undefined).map(([name, text]) => `${label(name)} = ${text}`);
    show(cache.get(nearest), `${why}Nearest prepared setting shown: ${setting.join(", ")}.`);
    remember(state);
  }

  // --- Play: one step after the other, each when the picture has arrived; the end stops it. ---
  function step(name, by) {
    act({ [name]: Math.min(last(name), Math.max(0, state[name] + by)) });
  }
  function stop() {
    clearTimeout(playTimer);
    if (playing) setIcon(players[playing], "play", `play ${playing in specs ? label(playing) : playing}`);
    playing = null;
  }
  function tick() {
    const pause = reducedMotion ? 1000 : (specs[playing].pace ?? Math.min(600, Math.max(80, 4000 / last(playing))));
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

  function showGuess(given) {
    say(guessed, given?.words ?? "");
    stage.guess(given);
  }
  showGuess(guess);
  loadBaked();
  el.append(root);
  model.on("msg:custom", onReply);
  model.on("change:frames", () => (loadBaked(), refresh()));
  model.on("comm_live_update", lose);
  reflect();
  if (!spec.cache && cache.has("start")) show(cache.get("start"));
  else refresh();

  const close = () => {
    stop();
    settle();
    stage.close();
    for (const frame of cache.values()) stage.forget(frame);
  };
  return Object.assign(close, { guess: showGuess });
}
