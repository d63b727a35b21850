/** Documents: a search, what each was found to say, and a form to put that right. */

import { correctionForm } from "./correction.js";
import { attempted, button, choice, element, field, link, moment, nothing, tell } from "./elements.js";
import { BASE, daysField, nameField, scheme, titled, topicField } from "./opinion.js";
import { ask, may } from "./service.js";
import { named, say } from "./words.js";

const MOST = 50;

/** Show documents; the address says which. */
export function showDocuments(main, address) {
  const wanted = Object.fromEntries(address);
  const controls = element("form.controls");
  const list = element("div.documents", { "aria-live": "polite" }, nothing(say("loading")));

  async function look() {
    const given = Object.entries(wanted).filter(([, value]) => value);
    const { documents } = await ask("GET", `${BASE}/search?${new URLSearchParams([...given, ["limit", MOST]])}`);
    fill(list, documents, await scheme());
    if (documents.length === MOST) list.append(nothing(say("more_documents", { count: MOST })));
  }

  function change(name) {
    return (value) => {
      wanted[name] = value;
      if (name === "days") delete wanted.since, delete wanted.until;
      return attempted(look);
    };
  }

  async function begin() {
    const { topics, entities, sentiments, regions, sources } = await scheme();
    const words = element("input", { type: "search", value: wanted.words ?? "", maxlength: 200 });
    const all = ["", say("all")];
    controls.append(
      field(say("words"), words),
      field(say("entity"), choice([all, ...entities.map((name) => [name, name])], wanted.entity ?? "", change("entity"))),
      topicField(topics, wanted.topic ?? "", change("topic")),
      field(say("sentiment"), choice([all, ...sentiments.map((one) => [one, named("sentiment", one)])],
        wanted.sentiment ?? "", change("sentiment"))),
      ...nameField("region", regions, wanted.region ?? "", change("region")),
      ...nameField("source", sources, wanted.source ?? "", change("source")),
      daysField(wanted.days ?? "", change("days")),
    );
    controls.addEventListener("submit", (event) => event.preventDefault());
    words.addEventListener("change", () => change("words")(words.value.trim()));
    if (wanted.since) controls.append(span(wanted));
    await look();
  }

  function span({ since, until }) {
    const clear = button("×", () => {
      shown.remove();
      return change("days")("");
    }, "plain");
    clear.setAttribute("aria-label", say("clear_span"));
    const shown = element("p.badge", {}, `${moment(since)} – ${moment(until)} `, clear);
    return shown;
  }

  main.append(element("h1", {}, say("part.documents")), controls, list);
  attempted(begin);
  return () => {};
}

/** Fill an element with documents. */
export function fill(list, documents, known) {
  list.replaceChildren(...documents.map((one) => card(one, known)));
  if (!documents.length) list.append(nothing(say("documents_empty")));
}

function card(one, known) {
  const place = element("article.card.document");
  const title = one.title || one.body.slice(0, 80);
  const entities = Object.entries(one.entities).map(([name, sentiment]) =>
    element(`span.badge.sentiment-${sentiment}`, {}, `${name} · ${named("sentiment", sentiment)}`));
  place.append(
    element("h2", {}, link(one.url, title)),
    element("p.facts", {}, [one.source, one.region, one.author, moment(Date.parse(one.published) / 1000)].filter(Boolean).join(" · ")),
    element("div.badges", {}, element(`span.badge.sentiment-${one.sentiment}`, {}, named("sentiment", one.sentiment)),
      one.topics.map((name) => element("span.badge", {}, titled(known.topics, name))), entities),
  );
  if (one.body && one.body !== title) place.append(element("details", {}, element("summary", {}, say("whole_text")), element("p.body", {}, one.body)));
  if (may("admin")) place.append(element("div.acts", {}, button(say("correct"), () => correction(one, known, place), "small")));
  return place;
}

function correction(one, known, place) {
  const close = () => place.querySelector(".correction")?.remove();
  close();
  place.append(correctionForm(one, known, close, (now, moved) => {
    place.replaceWith(card(now, known));
    tell(moved > 1 ? say("corrected_moved", { count: moved }) : say("corrected"));
  }));
}
