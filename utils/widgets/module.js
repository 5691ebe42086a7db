// The module that all widgets of a notebook share: what the thin module of each one, ask.js, asks for.

const KINDS = { explorable, quiz, board };

export default { register, render: (context) => KINDS[context.model.get("kind")](context) };
