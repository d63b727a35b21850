/** Incidents: what happened, why, with the documents that are its proof, and what people do with it. */

import { day } from "./chart.js";
import { fill } from "./documents.js";
import { button, element, every, link, moment, nothing, tell } from "./elements.js";
import { BASE, behind, scheme, titled } from "./opinion.js";
import { ask, may } from "./service.js";
import { language, named, say } from "./words.js";

const SECONDS = 5;
const ACTIONS = {
  open: ["acknowledge", "mute", "close"],
  acknowledged: ["mute", "close"],
  muted: ["acknowledge", "close"],
  closed: ["reopen"],
};

/** Show incidents; one that is chosen stands beside the list. */
export function showIncidents(main, address) {
  const list = element("div.list", { "aria-live": "polite" }, nothing(say("loading")));
  const detail = element("section.detail.card", {}, nothing(say("choose_incident")));
  const columns = element("div.columns", {}, element("section.card", {}, element("h1", {}, say("part.incidents")), list), detail);
  let chosen = address.get("id");
  let drawn = "";

  async function look() {
    const { incidents, seconds } = await ask("GET", `${BASE}/incidents`);
    const told = JSON.stringify([chosen, incidents]);
    if (told === drawn) return;
    drawn = told;
    list.replaceChildren(...incidents.map(row));
    if (!incidents.length) list.append(nothing(say("incidents_empty")));
    const open = incidents.find((one) => one.id === chosen);
    columns.classList.toggle("chosen", open !== undefined);
    if (open !== undefined) await show(open, detail, { back, look, width: seconds });
  }

  function back() {
    chosen = null;
    columns.classList.remove("chosen");
  }

  function row(one) {
    const choose = () => {
      chosen = one.id;
      return look();
    };
    const made = button(element("span.title", {}, one.title), choose, `row${one.id === chosen ? ".chosen" : ""}`);
    made.append(
      element(`span.badge.severity-${one.severity}`, {}, named("severity", one.severity)),
      element("span.badge", {}, named("state", one.state)),
      element("span.fact", {}, [one.entity, day(one.opened)].filter(Boolean).join(" · ")),
    );
    return made;
  }

  main.append(columns);
  return every(SECONDS, look);
}

async function show(one, place, { back, look, width }) {
  const known = await scheme();
  const documents = element("div.documents");
  const acts = (may("admin") ? ACTIONS[one.state] : []).map((action) => button(named("act", action), async () => {
    await ask("POST", `${BASE}/desk/incidents/${one.id}/${action}`);
    tell(say("acted"));
    await look();
  }, action === "acknowledge" ? "main" : ""));
  place.replaceChildren(
    button(say("back"), back, "plain.back"),
    element("div", {}, element("h1", {}, one.title),
      element("div.badges", {}, element(`span.badge.severity-${one.severity}`, {}, named("severity", one.severity)),
        element("span.badge", {}, named("state", one.state)))),
    element("dl", {}, facts(one, known, width)),
    element("div.acts", {}, acts),
    element("h2", {}, say("cause")),
    element("ol.stories", {}, one.cause.stories.map(story)),
    element("details", {}, element("summary", {}, say("history")), element("ul", {}, one.history.map(happened))),
    element("h2", {}, say("incident_documents")),
    documents,
  );
  const found = await ask("GET", `${BASE}/incidents/${one.id}/documents?limit=50`);
  fill(documents, found.documents, known);
}

function facts(one, known, width) {
  const told = [
    [say("entity"), one.entity],
    [say("since"), moment(one.opened)],
    [say("peak"), peak(one.peak, width)],
    [say("topic"), counted(one.cause.topics, (name) => titled(known.topics, name))],
    [say("sources"), counted(one.cause.sources)],
    [say("phrases"), counted(one.cause.phrases)],
  ];
  return told.filter(([, value]) => value).flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]);
}

function counted(pairs, name = (value) => value) {
  return pairs.map(([value, count]) => `${name(value)} (${count})`).join(language() === "zh" ? "、" : ", ");
}

/** Make the highest count, which leads to its documents, beside what was expected. */
function peak(alarm, width) {
  const negative = alarm.metric === "negative";
  const count = negative ? say("peak_negative", alarm) : say("peak_documents", alarm);
  const { entity, topic, bucket } = alarm;
  const counts = behind(count, { entity, topic, sentiment: negative ? "negative" : "", since: bucket, until: bucket + width });
  return element("span", {}, counts, say("expected", { count: alarm.expected.toFixed(1), at: moment(bucket) }));
}

function story(one) {
  return element(
    "li",
    {},
    link(one.url, one.title),
    element("span.fact", {}, say("told", { count: one.told, source: one.source })),
    element("q", {}, one.evidence),
  );
}

function happened([time, action, actor]) {
  return element("li", {}, `${moment(time)} · ${named("happened", action)} · ${actor}`);
}
