/** How well customers are served: what was answered, contained and handed over, how fast, and what found no answer. */

import { chart } from "./chart.js";
import { attempted, choice, duration, element, every, field, nothing, percent } from "./elements.js";
import { ask } from "./service.js";
import { named, say } from "./words.js";

const ADDRESS = "v1/apps/customer-service/measures";
const SECONDS = 30;
const DAYS = ["1", "7", "30", "90"];
const KINDS = ["day", "channel", "intent"];
const DRAWN = ["contained", "deflected", "answered"];

const seconds = (value) => (value < 10 ? say("seconds", { count: value.toFixed(2) }) : duration(value));

/** Figures in the order in which they are shown, and how each is written. */
const FIGURES = {
  conversations: String, turns: String, answered: percent, contained: percent, deflected: percent, resolved: percent,
  handed_over: percent, response_median: seconds, response_p95: seconds, person_median: seconds, helpful: percent,
  rating: (value) => value.toFixed(1), cost: (value) => value.toFixed(2), cost_each: (value) => value.toFixed(2),
};

/** Show the measures. */
export function showMeasures(main) {
  const wanted = { by: "day", days: "30" };
  const place = element("div.trends", { "aria-live": "polite" }, nothing(say("loading")));
  let drawn = "";

  const change = (name) => (value) => {
    wanted[name] = value;
    return attempted(look);
  };

  async function look() {
    const { by: kind, days } = wanted;
    const [whole, parts] = await Promise.all(["all", kind].map((by) => ask("GET", `${ADDRESS}?by=${by}&days=${days}`)));
    if (kind !== wanted.by || days !== wanted.days) return; // a later choice is on its way
    const told = JSON.stringify([wanted, whole, parts]);
    if (told === drawn) return;
    drawn = told;
    draw(whole, Object.entries(parts.measures));
  }

  function draw({ measures, unanswered }, parts) {
    if (!measures.all) return place.replaceChildren(nothing(say("measures_empty")));
    place.replaceChildren(
      tiles(measures.all),
      wanted.by === "day" && parts.length > 1 ? element("div.card", {}, shares(parts)) : "",
      element("div.card.scrolled", {}, table(parts, wanted.by)),
      element("div.halves", {}, reasons(measures.all), missing(unanswered)),
    );
    return undefined;
  }

  main.append(
    element("h1", {}, say("part.measures")),
    element("p.lead", {}, say("measures_lead")),
    element("div.controls", {},
      field(say("by"), choice(KINDS.map((kind) => [kind, named("kind", kind)]), wanted.by, change("by"))),
      field(say("time"), choice(DAYS.map((days) => [days, say("last_days", { days })]), wanted.days, change("days")))),
    place,
  );
  return every(SECONDS, look);
}

const written = (name, value) => (value === null ? "–" : FIGURES[name](value));

function tiles(whole) {
  const tile = (name) => element("div.tile.card", { "data-figure": name, title: named("figure_why", name) },
    element("span", {}, named("figure", name)), element("strong", {}, written(name, whole[name])));
  return element("div.tiles", {}, Object.keys(FIGURES).map(tile));
}

/** Draw the shares over the days; a day is a point in UTC, as it is counted. */
function shares(parts) {
  const points = (name) => parts
    .filter(([, own]) => own[name] !== null)
    .map(([day, own]) => ({ time: Date.parse(`${day}T00:00:00Z`) / 1000, value: own[name] }));
  const lines = DRAWN.map((name) => ({ name: named("figure", name), points: points(name) }));
  const keys = lines.map((line, number) => element("span", {}, element(`span.key.color-${number}`), line.name));
  return [
    chart(say("shares_by_day"), lines, { write: percent, most: 1, bands: [], href: () => null }),
    element("p.keys", {}, keys),
  ];
}

function table(parts, by) {
  const name = (value) => (by === "channel" ? named("channel", value) : value === "(none)" ? say("no_intent") : value);
  const cells = ([value, own]) => [element("th", { scope: "row" }, name(value)),
    ...Object.keys(FIGURES).map((figure) => element("td", {}, written(figure, own[figure])))];
  const heads = [named("kind", by), ...Object.keys(FIGURES).map((figure) => named("figure", figure))];
  return element("table.arms", {},
    element("thead", {}, element("tr", {}, heads.map((head) => element("th", {}, head)))),
    element("tbody", {}, parts.map((part) => element("tr", {}, cells(part)))));
}

function reasons(whole) {
  const rows = Object.entries(whole.reasons).map(([reason, count]) =>
    element("li", {}, element("span.badge", {}, named("reason", reason)), ` ${say("times", { count })}`));
  return element("section.card.reasons", {}, element("h2", {}, say("reasons")),
    rows.length ? element("ul", {}, rows) : nothing(say("reasons_empty")));
}

function missing(unanswered) {
  const rows = unanswered.map((one) => element("li", {}, one.question, " ",
    element("span.fact", {}, say("asked", { count: one.asked }))));
  const more = element("a", { href: "#candidates" }, say("to_candidates"));
  return element("section.card.unanswered", {}, element("h2", {}, say("unanswered")),
    rows.length ? [element("ol", {}, rows), more] : nothing(say("unanswered_empty")));
}
