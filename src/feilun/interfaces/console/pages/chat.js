/** The chat of a customer; who may see more also reads what each rung of the ladder decided. */

import { attempted, button, element, every, nothing, tell } from "./elements.js";
import { ask, may } from "./service.js";
import { bubble, traced } from "./turns.js";
import { say } from "./words.js";

const BASE = "v1/apps/customer-service";
const KEPT = "feilun.conversation";
const SECONDS = 2;

/** Show the chat. */
export function showChat(main) {
  const replies = new Map(); // by turn, with their trace
  const drawn = new Map(); // by turn, its bubble and what that was made of
  const list = element("div.turns", { "aria-live": "polite" });
  const text = element("textarea", { rows: 2, placeholder: say("message"), "aria-label": say("message") });
  let shown = null;
  let pending = null; // what was said and is not answered yet

  async function listen() {
    const conversation = sessionStorage.getItem(KEPT);
    const turns = conversation === null ? [] : (await ask("GET", `${BASE}/turns/${conversation}`)).turns;
    if (turns.length !== shown) draw(turns);
  }

  function draw(turns) {
    shown = turns.length;
    const last = turns.at(-1);
    turns.forEach((turn, place) => stand(place, bubbleOf(turn, turn === last)));
    while (list.childElementCount > turns.length) list.lastElementChild.remove();
    if (pending !== null) list.append(pending);
    if (!list.childElementCount) list.append(nothing(say("chat_empty")));
    list.scrollTop = list.scrollHeight;
  }

  /** Return the bubble of a turn: the one that stands already, where nothing about it changed. */
  function bubbleOf(turn, last) {
    const from = JSON.stringify([turn, last, replies.has(turn.id)]);
    if (drawn.get(turn.id)?.from !== from) drawn.set(turn.id, { from, bubble: bubble(turn, under(turn, last)) });
    return drawn.get(turn.id).bubble;
  }

  /** Let a bubble stand at a place; what stands there already is not touched: it keeps what was marked in it. */
  function stand(place, own) {
    const there = list.children[place];
    if (there === undefined) list.append(own);
    else if (there !== own) there.replaceWith(own);
  }

  function under(turn, last) {
    if (turn.speaker !== "bot") return [];
    const reply = replies.get(turn.id);
    const options = (last && turn.options) || [];
    return [
      options.length > 0 && element("div.options", {}, options.map((option) => button(option, () => send(option)))),
      may("feedback") && turn.action === "answer" && thumbs(turn),
      reply !== undefined && may("admin") && traced(reply),
    ];
  }

  function thumbs(turn) {
    if (turn.helpful !== null) return element("p.thanks", {}, say("thanks"));
    const judge = (helpful) => async () => {
      await ask("POST", `${BASE}/feedback`, { turn: turn.id, helpful });
      shown = null;
      await listen();
    };
    return element("div.thumbs", {}, button(say("helpful"), judge(true), "small"),
      button(say("not_helpful"), judge(false), "small"));
  }

  async function send(words) {
    const conversation = sessionStorage.getItem(KEPT);
    pending = bubble({ speaker: "customer", text: words, time: Date.now() / 1000 });
    list.querySelector(".nothing")?.remove();
    list.append(pending);
    list.scrollTop = list.scrollHeight;
    try {
      const reply = await ask("POST", `${BASE}/turns`, { text: words, ...(conversation && { conversation }) });
      sessionStorage.setItem(KEPT, reply.conversation);
      if (reply.turn) replies.set(reply.turn, reply);
      if (reply.action === "silent" && reply.handoff) tell(say("silent"));
    } catch (error) {
      pending.remove();
      text.value = words; // nothing that was typed is lost
      throw error;
    } finally {
      pending = shown = null;
      await attempted(listen);
    }
  }

  function submit() {
    const words = text.value.trim();
    text.value = "";
    return words ? send(words) : undefined;
  }

  const sending = button(say("send"), submit, "main");
  text.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      sending.click();
    }
  });
  const anew = button(say("new_conversation"), () => {
    sessionStorage.removeItem(KEPT);
    shown = null;
    return listen();
  }, "plain");
  main.append(element("section.chat.card", {}, element("div.bar", {}, element("h1", {}, say("part.chat")), anew), list,
    element("div.composer", {}, text, sending)));
  return every(SECONDS, () => forgotten(listen));

  /** Begin anew where the service knows the conversation no more. */
  async function forgotten(work) {
    try {
      await work();
    } catch (error) {
      if (error.status !== 404) throw error;
      sessionStorage.removeItem(KEPT);
    }
  }
}
