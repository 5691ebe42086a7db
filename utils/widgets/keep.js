// What a saved notebook keeps of the course's widgets, so that a reader who comes back finds them as they were left.
//
// Jupyter's own way of saving widgets is off by default, and forgets at the next saving what it has restored. So the
// page puts the state of our widgets into the notebook's metadata itself, each time that the notebook is being saved.

const MIMETYPE = "application/vnd.jupyter.widget-state+json";
const VIEW = "application/vnd.jupyter.widget-view+json";
const KEPT = [
  ...["_model_name", "_model_module", "_model_module_version", "_view_name", "_view_module", "_view_module_version"],
  ...["_anywidget_id", "_esm", "_css", "source", "kind", "library", "own_id", "spec", "frames", "baked"],
  ...["left", "given", "state", "then"],
];
const notebooks = new WeakMap(); // a notebook's context -> Map of our widgets: id -> {model, library}

// The notebook that a widget stands in; undefined where the front end does not tell.
function notebookOf(model) {
  const context = model.widget_manager?.context;
  return context?.saveState?.connect && context.model?.setMetadata ? context : undefined;
}

function register(model, library) {
  const context = notebookOf(model);
  if (!context) return;
  if (!notebooks.has(context)) {
    notebooks.set(context, new Map());
    context.saveState.connect((_, stage) => stage === "started" && write(context));
  }
  notebooks.get(context).set(model.get("own_id"), { model, library });
}

// The reader has changed what the next saving will keep.
function touch(model) {
  const context = notebookOf(model);
  if (context) context.model.dirty = true;
}

// Ours that outputs show, added to what is there; ours that no output shows any more, taken out. Libraries of several
// kernels, yesterday's and today's, are one where they hold the same.
function write(context) {
  const notebook = context.model;
  const metadata = notebook.getMetadata("widgets");
  const state = { ...metadata?.[MIMETYPE]?.state };
  const ours = [...notebooks.get(context)];
  for (const [id, { library }] of ours) {
    delete state[id];
    delete state[library.model_id];
  }
  const shown = new Set([...viewsOf(notebook), ...childrenOf(state)]);
  // the picture behind a quiz
  for (const [id, { model }] of ours) if (shown.has(id)) shown.add(model.get("then"));
  const homes = new Map(); // source -> library
  for (const [id, { model, library }] of ours) {
    if (!shown.has(id)) continue;
    const source = library.get("source");
    if (!homes.has(source)) homes.set(source, library);
    state[id] = entry(model);
    state[id].state.library = homes.get(source).model_id;
  }
  for (const library of homes.values()) state[library.model_id] = entry(library);
  if (Object.keys(state).length) {
    notebook.setMetadata("widgets", { ...metadata, [MIMETYPE]: { version_major: 2, version_minor: 0, state } });
  } else if (metadata) notebook.deleteMetadata("widgets");
}

function* viewsOf({ cells }) {
  for (const { outputs } of cells) {
    for (let i = 0; i < (outputs?.length ?? 0); i++) yield outputs.get(i).data[VIEW]?.model_id;
  }
}

// Those that a box of somebody else holds.
const childrenOf = (state) =>
  Object.values(state).flatMap((one) => (one.state?.children ?? []).map((child) => child.replace("IPY_MODEL_", "")));

// A model as Jupyter's widget manager restores it: plain JSON, and bytes apart with the path to their place.
function entry(model) {
  const buffers = [];
  const plain = (value, path) => {
    if (ArrayBuffer.isView(value)) return void buffers.push({ path, encoding: "base64", data: base64(value) });
    if (Array.isArray(value)) return value.map((item, i) => plain(item, [...path, i]));
    if (value === null || typeof value !== "object") return value;
    return fields(Object.entries(value).map(([key, item]) => [key, plain(item, [...path, key])]));
  };
  // One that is alive only needs the picture that was left, not the one that it began with.
  const keys = !model.get("baked") && model.get("left")?.frame ? KEPT.filter((key) => key !== "frames") : KEPT;
  const state = fields(keys.map((key) => [key, plain(model.get(key), [key])]));
  const [model_name, model_module, model_module_version] = keys.slice(0, 3).map((key) => model.get(key));
  return { model_name, model_module, model_module_version, state, buffers };
}

const fields = (pairs) => Object.fromEntries(pairs.filter(([, value]) => value !== undefined));

function base64(view) {
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  let text = "";
  for (let i = 0; i < bytes.length; i += 2 ** 15) text += String.fromCharCode(...bytes.subarray(i, i + 2 ** 15));
  return btoa(text);
}
