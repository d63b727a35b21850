/** Questions that found no answer: a person writes or corrects one, and lets it into the FAQ or not. */

import { button, element, every, field, nothing, tell } from "./elements.js";
import { ask } from "./service.js";
import { say } from "./words.js";

const BASE = "v1/apps/customer-service/candidates";
const SECONDS = 5;

/** Show the candidates; what is being written in one stays while others come and go. */
export function showCandidates(main) {
  const cards = new Map();
  const list = element("div.candidates", {}, nothing(say("loading")));

  async function look() {
    const { candidates } = await ask("GET", BASE);
    const open = new Set(candidates.map((one) => one.id));
    for (const id of cards.keys()) if (!open.has(id)) cards.delete(id);
    for (const one of candidates) {
      if (!cards.has(one.id)) cards.set(one.id, card(one, look));
      cards.get(one.id).querySelector(".asked").textContent = say("asked", { count: one.asked });
    }
    for (const shown of list.querySelectorAll(".card")) if (!open.has(shown.dataset.id)) shown.remove();
    for (const one of candidates) if (!cards.get(one.id).isConnected) list.append(cards.get(one.id));
    list.querySelector(".nothing")?.remove();
    if (!candidates.length) list.append(nothing(say("candidates_empty")));
  }

  main.append(element("h1", {}, say("part.candidates")), element("p.lead", {}, say("candidates_why")), list);
  return every(SECONDS, look);
}

function card(one, changed) {
  const question = element("input", { type: "text", value: one.question });
  const answer = element("textarea", { rows: 3, placeholder: say("no_draft") });
  const category = element("input", { type: "text", maxlength: 200 });
  answer.value = one.answer;
  const approve = button(say("approve"), async () => {
    const body = { question: question.value.trim(), answer: answer.value.trim(), category: category.value.trim() };
    await ask("POST", `${BASE}/${one.id}/approve`, body);
    tell(say("approved", { question: body.question }));
    await changed();
  }, "main");
  const reject = button(say("reject"), async () => {
    await ask("POST", `${BASE}/${one.id}/reject`);
    await changed();
  });
  const alike = element("div.options");
  const same = button(say("same_as_entry"), async () => {
    const { entries } = await ask("GET", `${BASE}/${one.id}/similar`);
    const chosen = (entry) => async () => {
      await ask("POST", `${BASE}/${one.id}/approve`, { entry: entry.id });
      tell(say("approved", { question: entry.question }));
      await changed();
    };
    alike.replaceChildren(...entries.map((entry) => button(entry.question, chosen(entry))));
    if (!entries.length) alike.append(nothing(say("similar_none")));
  });
  const usable = () => (approve.disabled = !question.value.trim() || !answer.value.trim());
  for (const input of [question, answer]) input.addEventListener("input", usable);
  usable();
  return element(
    "article.card.candidate",
    { "data-id": one.id },
    element("span.badge.asked", {}),
    field(say("question"), question),
    field(say("answer"), answer),
    field(say("category"), category),
    alike,
    element("div.acts", {}, reject, same, approve),
  );
}
