/** The form that puts right what a document says, whom it names, and which story it belongs to. */

import { attempted, button, choice, element, field, moment } from "./elements.js";
import { BASE } from "./opinion.js";
import { ask } from "./service.js";
import { named, say } from "./words.js";

const CANDIDATES = 10;

let forms = 0;

/**
 * Make the form.
 * @param {Object} one The document.
 * @param {Object} known Topics, companies and sentiments.
 * @param {function} close Takes the form away.
 * @param {function} done Is given what is said of the document now.
 */
export function correctionForm(one, known, close, done) {
  const said = { sentiment: one.sentiment, topics: new Set(one.topics), entities: new Set(Object.keys(one.entities)), story: "" };
  const save = button(say("save"), async () => {
    const { after, moved } = await ask("POST", `${BASE}/desk/corrections`, changes(one, said));
    const { sentiment, topics, story } = after;
    done({ ...one, sentiment, topics, story, entities: Object.fromEntries(after.entities) }, moved);
  }, "main");
  return element(
    "div.correction",
    {},
    field(say("sentiment"), choice(
      known.sentiments.map((name) => [name, named("sentiment", name)]), one.sentiment, (name) => (said.sentiment = name))),
    element("fieldset", {}, element("legend", {}, say("topic")),
      known.topics.map(({ name, title }) => box(title, name, said.topics))),
    companies(known.entities, said.entities),
    stories(one, said),
    element("div.acts", {}, button(say("cancel"), close), save),
  );
}

/** Return what is to be sent: companies and story only where they were changed. */
function changes(one, said) {
  const before = Object.keys(one.entities);
  const same = before.length === said.entities.size && before.every((name) => said.entities.has(name));
  return {
    document: one.key, sentiment: said.sentiment, topics: [...said.topics],
    ...(same ? {} : { entities: [...said.entities] }), ...(said.story ? { story: said.story } : {}),
  };
}

function box(label, name, chosen) {
  const made = element("input", { type: "checkbox", onchange: () => chosen[made.checked ? "add" : "delete"](name) });
  made.checked = chosen.has(name);
  return element("label.check", {}, made, label);
}

/** Whom the document names; others are added by their name, of which there may be thousands. */
function companies(all, chosen) {
  const boxes = element("span.checks", {}, [...chosen].map((name) => box(name, name, chosen)));
  const shown = new Set(chosen);
  const list = `companies-${(forms += 1)}`;
  const more = element("input", { list, placeholder: say("add_entity"), "aria-label": say("add_entity"), onchange: () => {
    const name = more.value.trim();
    if (!all.includes(name)) return;
    more.value = "";
    if (shown.has(name)) return;
    shown.add(name);
    chosen.add(name);
    boxes.append(box(name, name, chosen));
  } });
  const names = element("datalist", { id: list }, all.map((name) => element("option", { value: name })));
  return element("fieldset", {}, element("legend", {}, say("entity")), boxes, more, names);
}

/** Which story the document belongs to: as it is, one of its own, or that of a document that is searched for. */
function stories(one, said) {
  const own = one.story === one.key ? [] : [[one.key, say("story_own")]];
  const select = choice([["", say("story_stays")], ...own], "", (story) => (said.story = story));
  select.setAttribute("aria-label", say("story"));
  const words = element("input", { type: "search", maxlength: 200, placeholder: say("story_words"), "aria-label": say("story_words") });
  words.addEventListener("change", () => attempted(async () => {
    const wanted = new URLSearchParams({ words: words.value.trim(), limit: CANDIDATES });
    const { documents } = await ask("GET", `${BASE}/search?${wanted}`);
    const others = documents.filter((other) => other.story !== one.story);
    const options = others.map((other) => element("option", { value: other.key }, described(other)));
    const fixed = 1 + own.length;
    while (select.options.length > fixed) select.remove(fixed);
    select.append(...options);
    select.value = others[0]?.key ?? "";
    said.story = select.value;
    found.textContent = say("story_found", { count: others.length });
  }));
  const found = element("span.facts", { role: "status" });
  return element("fieldset", {}, element("legend", {}, say("story")), words, select, found);
}

const described = (other) =>
  [other.title || other.body.slice(0, 60), other.source, moment(Date.parse(other.published) / 1000)].join(" · ");
