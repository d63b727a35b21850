/** How turns of a conversation look, to the customer and to the person who takes over. */

import { element, moment } from "./elements.js";
import { named, say } from "./words.js";

/**
 * Make a turn.
 * @param {Object} turn Its speaker, text and time, and the citations of a reply.
 * @param {...Node} more What stands under it.
 */
export function bubble(turn, ...more) {
  const citations = turn.citations ?? turn.reply?.citations ?? [];
  return element(
    `article.turn.${turn.speaker}`,
    {},
    element("div.who", {}, named("speaker", turn.speaker), element("time", {}, moment(turn.time))),
    element("div.text", {}, turn.text),
    citations.length > 0 && element("ul.citations", {}, cited(citations, turn.text)),
    more,
  );
}

/** Make a line for each place, with its sentences; one that is the whole answer is not said again. */
function cited(citations, answer) {
  const places = new Map();
  for (const { source, place, sentence } of citations) {
    const named = [source, place].filter(Boolean).join(" · ");
    places.set(named, [...(places.get(named) ?? []), sentence]);
  }
  return [...places].map(([place, sentences]) => element("li", {}, element("span", {}, place),
    sentences.filter((one) => one !== answer).map((one) => element("q", {}, one))));
}

/** Make what an operator reads of a reply: its action, how sure it is, and what each rung decided. */
export function traced(reply) {
  const facts = [named("action", reply.action), reply.intent, reply.handoff && named("reason", reply.handoff)];
  const sure = reply.confidence > 0 ? say("confidence", { value: reply.confidence.toFixed(2) }) : null;
  return element(
    "details.trace",
    {},
    element("summary", {}, [...facts, sure].filter(Boolean).join(" · ")),
    element("ol", {}, reply.trace.map(step)),
  );
}

function step({ rung, ...rest }) {
  const facts = Object.entries(rest).map(([name, value]) => [
    element("dt", {}, named("fact", name)),
    element("dd", {}, written(name, value)),
  ]);
  return element("li", {}, element("strong", {}, named("rung", rung)), element("dl", {}, facts));
}

function written(name, value) {
  if (name === "decision") return named("decided", value);
  if (typeof value === "boolean") return value ? say("yes") : say("no");
  return typeof value === "string" ? value : JSON.stringify(value);
}
