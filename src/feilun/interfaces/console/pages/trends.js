/** Trends: how much is said of companies or topics over time, how much of it is negative, and the documents behind it. */

import { chart, summed } from "./chart.js";
import { attempted, choice, element, every, field, nothing, percent } from "./elements.js";
import { BASE, behind, daysField, nameField, scheme, titled, topicField } from "./opinion.js";
import { ask } from "./service.js";
import { named, say } from "./words.js";

const SECONDS = 10;
const DRAWN = 5;
const POINTS = 45;

/** Return what a series is of, as a search for its documents asks. */
const scoped = ({ entity, topic, source, region }) => ({ entity, topic, source, region });

/** Show trends. */
export function showTrends(main) {
  const wanted = { by: "entity", entity: "", topic: "", region: "", source: "", days: "" };
  const chosen = new Set();
  const controls = element("div.controls");
  const place = element("div.trends", {}, nothing(say("loading")));
  let drawn = "";

  function change(name) {
    return (value) => {
      wanted[name] = value;
      if (name === "by") Object.assign(wanted, { entity: "", topic: "", region: "", source: "" });
      chosen.clear();
      return attempted(look);
    };
  }

  async function look() {
    const known = await scheme();
    const asked = new URLSearchParams(Object.entries(wanted).filter(([, value]) => value));
    const [found, { incidents }] = await Promise.all([
      ask("GET", `${BASE}/trends?${asked}`),
      ask("GET", `${BASE}/incidents`),
    ]);
    if (!chosen.size) for (const one of found.series.slice(0, DRAWN)) chosen.add(one[wanted.by]);
    const told = JSON.stringify([wanted, found, incidents.length]);
    if (told === drawn) return;
    drawn = told;
    controls.replaceChildren(...choices(known));
    draw(found, incidents, known.topics);
  }

  function choices({ topics, entities, regions, sources }) {
    const sides = ["entity", "topic", "source", ...(regions.length ? ["region"] : [])].map((side) => [side, named("side", side)]);
    const other = (side, made) => (wanted.by === side ? [] : made());
    return [
      field(say("by"), choice(sides, wanted.by, change("by"))),
      ...other("entity", () => nameField("entity", entities, wanted.entity, change("entity"))),
      ...other("topic", () => [topicField(topics, wanted.topic, change("topic"))]),
      ...other("source", () => nameField("source", sources, wanted.source, change("source"))),
      ...other("region", () => nameField("region", regions, wanted.region, change("region"))),
      daysField(wanted.days, change("days")),
    ];
  }

  function draw(found, incidents, topics) {
    if (!found.series.length) return place.replaceChildren(nothing(say("trends_empty")));
    const name = (one) => (wanted.by === "topic" ? titled(topics, one.topic) : one[wanted.by]);
    const shown = found.series.filter((one) => chosen.has(one[wanted.by])).slice(0, DRAWN + 1);
    const redraw = () => draw(found, incidents, topics);
    place.replaceChildren(
      element("div.card", {}, ...charts(shown, found.seconds, incidents, name)),
      element("div.card.scrolled", {}, table(found.series, shown, name, redraw)),
    );
    return undefined;
  }

  function charts(shown, width, incidents, name) {
    const sums = shown.map((one) => ({ one, name: name(one), ...summed(one, width, POINTS) }));
    const line = (value) => ({ points, ...rest }) => ({
      ...rest, points: points.filter((point) => value(point) !== null).map((point) => ({ ...point, value: value(point) })),
    });
    const href = ({ one, step }, { time }) =>
      behind("", { ...scoped(one), since: time, until: time + step }).getAttribute("href");
    const marked = incidents.filter((one) => shown.some((series) => series.entity && series.entity === one.entity));
    const bands = marked.map((one) => [one.opened, one.last + width]);
    const share = (point) => (point.count ? point.negative / point.count : null);
    return [
      chart(say("volume"), sums.map(line((point) => point.count)), { write: String, most: 1, bands, href }),
      chart(say("negative_share"), sums.map(line(share)), { write: percent, most: 1, bands, href }),
      element("p.lead", {}, say("chart_why")),
    ];
  }

  function table(series, shown, name, redraw) {
    const heads = ["", named("side", wanted.by), say("documents"), say("negative_share"),
      say("share_of_voice"), say("sentiment_index"), say("momentum")];
    const rows = series.map((one) => {
      const at = shown.indexOf(one);
      const box = element("input", { type: "checkbox", "aria-label": name(one) });
      box.checked = at >= 0;
      box.disabled = at < 0 && shown.length > DRAWN;
      box.addEventListener("change", () => {
        if (box.checked) chosen.add(one[wanted.by]);
        else if (chosen.size > 1) chosen.delete(one[wanted.by]);
        redraw();
      });
      const scope = { ...scoped(one), days: wanted.days };
      return element(
        "tr",
        {},
        element("td", {}, box),
        element("td", {}, element(`span.key.color-${at}`), name(one)),
        element("td", {}, behind(String(one.documents), scope)),
        element("td", {}, behind(percent(one.negative_share), { ...scope, sentiment: "negative" })),
        element("td", {}, percent(one.share_of_voice)),
        element("td", {}, one.sentiment_index.toFixed(2)),
        element("td", {}, `${one.momentum > 0 ? "+" : ""}${percent(one.momentum)}`),
      );
    });
    return element("table", {}, element("thead", {}, element("tr", {}, heads.map((head) => element("th", {}, head)))), element("tbody", {}, rows));
  }

  main.append(element("h1", {}, say("part.trends")), controls, place);
  return every(SECONDS, look);
}
