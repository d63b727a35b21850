/** The queue of conversations that wait for a person: what went before, what the bot would say, and the answer. */

import { button, duration, element, every, nothing, tell } from "./elements.js";
import { ask } from "./service.js";
import { bubble, traced } from "./turns.js";
import { named, say } from "./words.js";

const BASE = "v1/apps/customer-service";
const SECONDS = 2;

/** Show the queue; a conversation that is chosen stands beside it. */
export function showQueue(main) {
  const list = element("div.list", { "aria-live": "polite" }, nothing(say("loading")));
  const detail = element("section.detail.card", {}, nothing(say("choose_conversation")));
  const columns = element("div.columns", {}, element("section.card", {}, element("h1", {}, say("part.queue")), list),
    detail);
  let open = null;
  let drawn = "";

  async function look() {
    const { waiting } = await ask("GET", `${BASE}/handoffs`);
    draw(waiting);
    if (open !== null) await open.look(waiting.find((one) => one.id === open.id));
  }

  /** Draw the list where it changed, so that whoever goes through it by keyboard keeps the place. */
  function draw(waiting) {
    const told = JSON.stringify([open?.id, waiting.map((one) => [one.id, one.speaker, duration(one.waited)])]);
    if (told === drawn) return;
    drawn = told;
    list.replaceChildren(...waiting.map((one) => row(one)));
    if (!waiting.length) list.append(nothing(say("queue_empty")));
  }

  function row(one) {
    const chosen = open?.id === one.id ? ".chosen" : "";
    return element(
      `button.row${chosen}`,
      { type: "button", onclick: () => choose(one.id) },
      element(`span.badge.priority-${Math.min(2, one.priority)}`, {}, named("reason", one.reason)),
      element("span.badge", {}, named("state", one.speaker)),
      element("span.fact", {}, say("waited", { time: duration(one.waited) })),
      element("span.fact", {}, say("priority", { value: one.priority })),
      element("span.fact", {}, named("channel", one.channel)),
    );
  }

  function choose(id) {
    open = conversation(id, detail, () => look());
    columns.classList.add("chosen");
    detail.prepend(button(say("back"), () => columns.classList.remove("chosen"), "plain.back"));
    return look();
  }

  main.append(columns);
  return every(SECONDS, look);
}

/** Fill an element with a conversation; its `look` reads anew what was said. */
function conversation(id, place, changed) {
  const at = `${BASE}/handoffs/${id}`;
  const told = element("dl.summary");
  const turns = element("div.turns");
  const acts = element("div.acts");
  const advice = element("div.advice");
  const text = element("textarea", { rows: 3, placeholder: say("answer_customer"), "aria-label": say("answer_customer") });
  const act = (path, body) => async () => {
    await ask("POST", `${at}/${path}`, body);
    await changed();
  };
  const send = button(say("send"), async () => {
    if (!text.value.trim()) return;
    await act("turns", { text: text.value.trim() })();
    text.value = "";
  }, "main");
  const use = button(say("use"), () => {
    text.value = advised;
    text.focus();
  }, "small");
  const composer = element("div.composer", {}, text, send);
  let advised = "";
  let state = "";
  let said = 0;

  async function look(row) {
    const { turns: all } = await ask("GET", `${BASE}/conversations/${id}`);
    if (all.length !== said) {
      said = all.length;
      turns.replaceChildren(...all.map((turn) => bubble(turn, turn.reply ? traced(turn.reply) : null)));
      turns.scrollTop = turns.scrollHeight;
      told.replaceChildren(...summary(await ask("GET", at)));
    }
    const now = row?.speaker ?? "bot";
    if (now !== state) stand((state = now));
  }

  function stand(speaker) {
    composer.hidden = use.hidden = speaker !== "person";
    acts.replaceChildren(
      element("span.badge", {}, named("state", speaker)),
      ...(speaker === "queue" ? [button(say("take"), act("take"), "main")] : []),
      ...(speaker === "person" ? [button(say("give_back"), act("give-back"))] : []),
      ...(speaker === "bot" ? [] : [button(say("suggest"), suggest)]),
    );
    if (speaker === "bot") advice.replaceChildren();
  }

  async function suggest() {
    const { question, suggestion } = await ask("GET", `${at}/suggestion`);
    if (suggestion === null) return tell(say("no_suggestion"));
    advised = suggestion.text;
    const shown = { speaker: "bot", text: suggestion.text, time: Date.now() / 1000, reply: suggestion };
    advice.replaceChildren(element("h2", {}, say("suggestion", { question })), bubble(shown, traced(suggestion)), use);
    return undefined;
  }

  place.replaceChildren(told, turns, advice, acts, composer);
  return { id, look };
}

function summary(found) {
  const slots = Object.entries({ ...found.slots, ...found.form?.values }).map(([name, value]) => `${name}: ${value}`);
  const facts = {
    "summary.reason": found.reason === null ? "" : named("reason", found.reason),
    "summary.asked": found.asked.join(" / "),
    "summary.intents": found.intents.join(", "),
    "summary.slots": slots.join(", "),
    "summary.answered": say("answered", found),
  };
  return Object.entries(facts)
    .filter(([, value]) => value)
    .flatMap(([key, value]) => [element("dt", {}, say(key)), element("dd", {}, value)]);
}
