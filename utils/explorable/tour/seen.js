// All that a reader sees of explorables and cards, to be compared with what is there on another day.

async () => {
  const text = (element) => element.textContent;
  const bytes = async ({ src }) => (await (await fetch(src)).bytes()).toBase64();
  const value = (one) => [one.type ?? one.tagName, ["checkbox", "radio"].includes(one.type) ? one.checked : one.value];
  const controls = (root) => [...root.querySelectorAll("input, select")].map(value);
  // a piece of HTML begins anew each time
  const kept = [...document.querySelectorAll(".explorable")].filter((root) => !root.closest("[data-explorable]"));
  const explorables = kept.map(async (root) => ({
    title: text(root.querySelector("strong")), controls: controls(root), readout: text(root.querySelector(".explorable-readout")),
    labels: [...root.querySelectorAll(".explorable-controls :is(label, legend, .explorable-drawing span)")].map(text),
    values: [...root.querySelectorAll(".explorable-value")].map(text),
    presets: [...root.querySelectorAll(".explorable-presets button")].map(text),
    ink: root.querySelector("canvas")?.toDataURL(), cells: [...root.querySelectorAll("svg [data-key]")].map(text),
    picture: root.querySelector("img") && await bytes(root.querySelector("img")), size: root.querySelector("img")?.naturalWidth,
  }));
  const cards = [...document.querySelectorAll(".card")].map((root) => ({
    controls: controls(root), text: [...root.querySelectorAll("legend, .card-option, strong, pre, .card-answer")].map(text),
  }));
  return { explorables: await Promise.all(explorables), cards };
}
