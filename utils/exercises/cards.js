// A quiz and the detective's board in the browser; Python has the words, this has the fields and buttons.

// Text with `code` between backticks.
function words(text) {
  return text.split("`").map((piece, i) => (i % 2 ? node("code", { textContent: piece }) : piece));
}

function paragraphs(texts) {
  return texts.filter(Boolean).map((text) => node("p", {}, ...words(text)));
}

// One quiet line where there is no kernel, as soon as there is none.
function sleeper({ model, el }, text, onchange = () => {}) {
  const line = node("p", { className: "card-asleep", textContent: text });
  const check = () => {
    line.hidden = connected(el);
    onchange();
  };
  check();
  model.on("comm_live_update", check);
  return line;
}

// --- A quiz: radio buttons or a field; the reply is looked up here, the kernel is only told. ---

function quiz({ model, el }) {
  const asleep = sleeper({ model, el }, "Run the cell to wake this quiz; until then no answer is recorded.");
  const { number, prompt, choices, replies, why } = model.get("spec");
  const id = `quiz-${Math.random().toString(36).slice(2)}`;
  const answer = node("div", { className: "card-answer" });
  answer.setAttribute("role", "status");

  const field = focusable("input", { type: "text", id, inputMode: "decimal", autocomplete: "off" });
  const radios = choices.map(([key]) => focusable("input", { type: "radio", name: id, value: key }));
  const options = choices.map(([key, text], i) =>
    node("label", { className: "card-option" }, radios[i], node("b", { textContent: key }), node("span", {}, ...words(text))),
  );
  const chosen = () => (choices.length ? (radios.find((radio) => radio.checked)?.value ?? "") : asNumber(field.value));
  const submit = button("Answer", null, { type: "submit" });
  const inputs = choices.length ? options : [node("div", { className: "card-row" }, field, submit)];
  if (!choices.length) field.setAttribute("aria-label", prompt);
  const row = choices.length ? [node("div", { className: "card-row" }, submit)] : [];
  const legend = node("legend", {}, node("b", { textContent: `Quiz ${number}. ` }), ...words(prompt));
  const form = node("form", {}, node("fieldset", {}, legend, ...inputs, ...row), answer);

  // Jupyter lets Enter reach a text field but not submit its form.
  field.onkeydown = (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    form.requestSubmit();
  };
  form.onsubmit = (event) => {
    event.preventDefault();
    const given = chosen();
    if (given === "") return say("todo", [choices.length ? "Choose one first." : "Type a number first, such as 0.25 or 1/4."]);
    show(given);
    model.set("given", given);
    model.save_changes();
    touch(model);
    gated.uncover();
  };
  function show(given) {
    const fits = (reply) => (choices.length ? reply.key === given : inside(reply, Number(given)));
    const reply = replies.find(fits);
    const verdict = reply.status === "right" ? "Right." : "It comes out differently.";
    say(reply.status, [`${verdict} ${reply.message}`, why]);
  }
  function say(tone, texts) {
    answer.className = `card-answer card-${tone}`;
    answer.replaceChildren(...paragraphs(texts));
  }

  const before = model.get("given");
  if (before) {
    const radio = radios.find((one) => one.value === before);
    if (radio) radio.checked = true;
    field.value = before;
    show(before);
  }
  el.append(node("div", { className: "card" }, form, asleep));
  const gated = model.get("then") ? gate({ model, el }, () => guessOf(model.get("given"), choices)) : { uncover() {}, close() {} };
  if (before) gated.uncover();
  return gated.close;
}

// What the picture is to show of a guess: words, and a number or the names by which a mark may know the choice.
function guessOf(given, choices) {
  if (!given) return null;
  const text = choices.find(([key]) => key === given)?.[1];
  if (text === undefined) return { words: `Your guess: ${given}`, number: Number(given) };
  const plain = text.replaceAll("`", "");
  return { words: `Your guess: ${plain}`, names: [given, plain].map((name) => name.trim().toLowerCase()) };
}

// The picture that a prediction is about: covered until the guess is made, or skipped; the guess stays in it.
function gate({ model, el }, guess) {
  const skip = button("Show it without a guess", () => uncover());
  const cover = node("div", { className: "card card-cover" }, node("span", { textContent: "The picture is covered until you have guessed." }), skip);
  const told = () => (leftOf(model).sketch ? { ...(guess() ?? { words: "Your guess is sketched." }), sketch: leftOf(model).sketch } : guess());
  // Where the picture wants a line to be sketched, its empty axes are there to draw on.
  async function offer() {
    const { page } = (await model.widget_manager.get_model(model.get("then"))).get("spec");
    const wanted = page?.marks.find((mark) => mark.guess === "sketch");
    if (!wanted || opened) return;
    const note = (sketch) => {
      leftOf(model).sketch = sketch;
      skip.textContent = "Compare with the picture";
      touch(model);
    };
    const before = leftOf(model).sketch;
    const pad = sketchPad(wanted, before ? [...before] : Array(COLUMNS).fill(null), note);
    if (before) skip.textContent = "Compare with the picture";
    cover.firstChild.textContent = "Sketch what you expect.";
    cover.append(node("figure", { className: "explorable marks" }, pad));
  }
  const stage = node("div", { className: connected(el) ? "" : "jupyter-widgets-disconnected" });
  let opened = false;
  let shown = null;
  async function uncover() {
    shown?.guess(told());
    if (opened) return;
    opened = true;
    if (!leftOf(model).uncovered) touch(model);
    leftOf(model).uncovered = true;
    const inner = await model.widget_manager.get_model(model.get("then"));
    cover.replaceWith(stage);
    shown = explorable({ model: inner, el: stage, guess: told() });
  }
  el.append(cover);
  if (leftOf(model).uncovered) uncover();
  else offer().catch(() => {}); // a picture that is not there is told when it is uncovered
  return { uncover, close: () => shown?.() };
}

const inside = ({ low = -Infinity, high = Infinity }, number) => low <= number && number <= high;

// "0.25", "0,25" and "1/4" as a number in text; empty for anything else.
function asNumber(text) {
  const parts = text.trim().replace("−", "-").replace(",", ".").split("/").map((part) => (part.trim() ? Number(part) : NaN));
  const number = parts.length === 2 ? parts[0] / parts[1] : parts[0];
  return parts.length <= 2 && Number.isFinite(number) ? String(number) : "";
}

// --- The board: a grid of fields for dy, buttons, the suspects, and a log of what came back. ---

function board({ model, el }) {
  const root = node("div", { className: "card card-board" });
  const log = node("div", { className: "card-log" });
  log.setAttribute("role", "log");
  const desk = node("fieldset", { className: "card-columns" }); // all that needs a kernel
  const asleep = sleeper({ model, el }, "Run the cell for a case that answers.", () => (desk.disabled = !connected(el)));
  const left = leftOf(model); // {head, dy, other, accused}: what is filled in
  let fields = [];
  let place = -1; // of the last unit vector
  let note = () => {};

  const numbers = () => fields.map((field) => (field.value.trim() === "" ? null : Number(field.value)));
  const fill = (value) => {
    fields.forEach((field, i) => (field.value = value(i)));
    note();
  };

  function open({ head, blocks: [code, arrays], suspects, shape, inputs }) {
    place = -1;
    const columns = shape.length ? shape[shape.length - 1] : 1;
    const size = shape.reduce((product, n) => product * n, 1);
    fields = Array.from({ length: size }, (_, i) => {
      const field = focusable("input", { type: "number", step: 0.5, value: 1 });
      field.setAttribute("aria-label", `dy, row ${Math.floor(i / columns)}, column ${i % columns}`);
      return field;
    });
    const grid = node("div", { className: "card-grid" }, ...fields);
    grid.style.gridTemplateColumns = `repeat(${columns}, 64px)`;
    const halves = [-2, -1.5, -1, -0.5, 0.5, 1, 1.5, 2];
    const fills = [
      button("ones", () => fill(() => 1)),
      button("a single one", () => ((place = (place + 1) % size), fill((i) => Number(i === place)))),
      button("random", () => fill(() => halves[Math.floor(Math.random() * halves.length)])),
    ];
    const group = `suspect-${Math.random().toString(36).slice(2)}`;
    const radios = suspects.map(([letter]) => focusable("input", { type: "radio", name: group, value: letter }));
    const listed = suspects.map(([letter, name], i) =>
      node("label", { className: "card-option" }, radios[i], node("b", { textContent: letter }), node("span", { textContent: name })),
    );
    const accuse = () => {
      const radio = radios.find((one) => one.checked);
      if (radio) model.send({ do: "accuse", letter: radio.value });
      else radios[0].focus();
    };
    const other = focusable("input", { type: "checkbox" });
    const ask = (what) => model.send({ do: what, dy: numbers(), other: other.checked });
    const asks = [
      button("What comes back?", () => ask("probe"), { className: "card-ask" }),
      button("What should? (finite differences)", () => ask("measure"), { className: "card-ask" }),
    ];
    if (left.head === head) {
      fields.forEach((field, i) => (field.value = left.dy[i]));
      radios.forEach((radio) => (radio.checked = radio.value === left.accused));
      other.checked = left.other;
    }
    note = () => {
      const accused = radios.find((one) => one.checked)?.value;
      Object.assign(left, { head, dy: fields.map((field) => field.value), other: other.checked, accused });
      touch(model);
    };
    desk.replaceChildren(
      node("fieldset", {},
        node("legend", { textContent: "Send an upstream gradient dy" }),
        node("div", { className: "card-row" }, ...fills), grid,
        node("label", { className: "card-option" }, other, node("span", { textContent: `with other numbers for ${inputs}` })),
        node("div", { className: "card-row" }, ...asks),
        node("p", { className: "card-left" }),
      ),
      node("fieldset", {},
        node("legend", { textContent: "Suspects" }), ...listed,
        node("div", { className: "card-row" },
          button("Accuse", accuse, { className: "card-accuse" }),
          button("Next case", () => model.send({ do: "new" }), { className: "card-next" }),
        ),
      ),
    );
    root.replaceChildren(
      node("div", { className: "card-top" }, node("strong", { textContent: head }), node("span", { className: "card-standing" })),
      node("div", { className: "card-columns" },
        node("pre", { textContent: code }),
        node("pre", { textContent: arrays }),
      ),
      desk,
      log,
      asleep,
    );
  }

  function refresh() {
    const state = model.get("state");
    root.querySelector(".card-standing").textContent = state.standing;
    const left = `${state.left} of 3 probes left`;
    root.querySelector(".card-left").textContent = state.closed ? "The case is closed." : left;
    for (const one of root.querySelectorAll(".card-ask")) one.disabled = state.closed || !state.left;
    root.querySelector(".card-accuse").disabled = state.closed;
    root.querySelector(".card-next").hidden = !state.closed;
    // only what is new is added, so that a screen reader says it once
    for (const entry of state.log.slice(log.children.length)) {
      const body = entry.body.flatMap(([block, text]) => (block ? [node("pre", { textContent: text })] : paragraphs([text])));
      log.append(node("div", { className: `card-answer card-${entry.tone}` }, node("b", { textContent: entry.head }), ...body));
    }
  }

  let shown = null;
  function update() {
    const state = model.get("state");
    if (state.head !== shown) {
      shown = state.head;
      log.replaceChildren();
      open(state);
    }
    refresh();
  }
  desk.oninput = () => note();
  el.append(root);
  update();
  model.on("change:state", () => (update(), touch(model)));
}
