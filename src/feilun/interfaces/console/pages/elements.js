/** Builds pages out of elements. Every text goes in as text: nothing that a person or a model wrote becomes HTML. */

import { language, say } from "./words.js";

/**
 * Make an element.
 * @param {string} kind Its tag and classes: `div.card.wide`.
 * @param {Object} attributes By name; a function is called on the event that `onclick` and the like name.
 * @param {...(Node|string|number|null|Array)} children What it holds; null and false are left out.
 */
export function element(kind, attributes = {}, ...children) {
  const [tag, ...classes] = kind.split(".");
  const made = document.createElement(tag);
  made.className = classes.join(" ");
  set(made, attributes);
  made.append(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

/** Make an element of a drawing, with the same arguments. */
export function drawn(kind, attributes = {}, ...children) {
  const [tag, ...classes] = kind.split(".");
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  made.setAttribute("class", classes.join(" "));
  set(made, attributes);
  made.append(...children.flat(3));
  return made;
}

function set(made, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name.slice(2), value);
    else if (typeof value === "boolean") made.toggleAttribute(name, value);
    else if (value !== null && value !== undefined) made.setAttribute(name, value);
  }
}

/** Make a button that cannot be pressed again while its work goes on; a failure is shown above the page. */
export function button(label, work, kind = "") {
  const made = element(`button${kind && `.${kind}`}`, { type: "button" }, label);
  made.addEventListener("click", async () => {
    made.disabled = true;
    await attempted(work);
    made.disabled = false;
  });
  return made;
}

/** Make a labelled field out of an input, a textarea or a select. */
export function field(label, input) {
  return element("label.field", {}, element("span", {}, label), input);
}

/** Make a select; options are [value, label]. */
export function choice(options, chosen, changed) {
  const made = element("select", { onchange: () => changed(made.value) });
  made.append(...options.map(([value, label]) => element("option", { value, selected: value === chosen }, label)));
  return made;
}

/** Make a link where an address is one of the web; another kind of address, such as `javascript:`, stays a text. */
export function link(address, label) {
  if (!/^https?:\/\//i.test(address)) return element("span", {}, label);
  return element("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, label);
}

/** Make what stands where there is nothing to show. */
export function nothing(text) {
  return element("p.nothing", {}, text);
}

const notice = element("div.notice", { role: "status", hidden: true });

/** Return the line above the page where failures are told. */
export const noticeLine = () => notice;

/** Tell of a failure, or that something was done. */
export function tell(text, kind = "done") {
  notice.className = `notice ${kind}`;
  notice.replaceChildren(text, element("button.plain", { type: "button", onclick: calm }, say("close")));
  notice.hidden = false;
}

/** Take the line away. */
export function calm() {
  notice.hidden = true;
}

/** Do some work; a failure is told, and gives undefined. */
export async function attempted(work) {
  try {
    return await work();
  } catch (error) {
    tell(error.message, "failed");
    return undefined;
  }
}

/** Do some work now and every so many seconds; returns what stops it. A connection that comes back is noticed. */
export function every(seconds, work) {
  let timer = null;
  let stopped = false;
  let failed = false;
  async function turn() {
    try {
      await work();
      if (failed) calm();
      failed = false;
    } catch (error) {
      failed = true;
      if (!stopped) tell(error.message, "failed");
    }
    if (!stopped) timer = setTimeout(turn, 1000 * seconds);
  }
  turn();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}

/** Write a moment in the reader's own time zone. */
export function moment(seconds) {
  const month = language() === "zh" ? "2-digit" : "short";
  const shape = { year: "numeric", month, day: "2-digit", hour: "2-digit", minute: "2-digit" };
  return new Date(1000 * seconds).toLocaleString(language() === "zh" ? "zh-CN" : "en-GB", shape);
}

/** Write how long something takes, in minutes or hours. */
export function duration(seconds) {
  if (seconds < 60) return say("seconds", { count: Math.round(seconds) });
  if (seconds < 5400) return say("minutes", { count: Math.round(seconds / 60) });
  return say("hours", { count: Math.round(seconds / 3600) });
}

/** Write a share as per cent. */
export const percent = (share) => `${Math.round(100 * share)}%`;
