// Small helpers for pages: elements, and what Jupyter needs to be told about them.

function node(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

// Jupyter swallows the arrow keys of a focused element unless the element itself says otherwise. While Ctrl or Cmd is
// held it does not say so, except where one types: Ctrl + S shall save.
function focusable(tag, properties, ...children) {
  const element = node(tag, properties, ...children);
  const typing = ["text", "number"].includes(element.type);
  const keepKeys = ({ ctrlKey, metaKey }) => {
    if ((ctrlKey || metaKey) && !typing) delete element.dataset.lmSuppressShortcuts;
    else element.dataset.lmSuppressShortcuts = "true";
  };
  for (const type of ["keydown", "keyup", "blur"]) element.addEventListener(type, keepKeys);
  keepKeys({});
  return element;
}

function button(text, onclick, properties = {}) {
  return focusable("button", { type: "button", textContent: text, onclick, ...properties });
}

// ipywidgets marks the view of a model that has no kernel: restored from a saved notebook, or left behind by a restart.
const connected = (el) => !el.classList.contains("jupyter-widgets-disconnected");

// An object in the model that the page keeps for itself, unknown to Python: what a reader who comes back will find.
function leftOf(model) {
  if (!model.get("left")) model.set("left", {});
  return model.get("left");
}
