// All that each widget sends to the browser: it asks the library widget for the module that they share.

const modules = (globalThis.gradientsByHand ??= new Map()); // source -> the module, loaded once

async function load(model) {
  const library = await model.widget_manager.get_model(model.get("library"));
  const source = library.get("source");
  if (!modules.has(source)) {
    const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    modules.set(source, import(url).finally(() => URL.revokeObjectURL(url)));
  }
  return { library, ...(await modules.get(source)).default };
}

export default {
  // not awaited: whoever initializes for more than two seconds is given up by anywidget
  initialize({ model }) {
    load(model).then(({ library, register }) => register(model, library));
  },
  async render(context) {
    const { render } = await load(context.model);
    return render(context);
  },
};
