/** What the lists of each arm came to, and in what one arm is worse beyond doubt. */

import { element, every, nothing, percent } from "./elements.js";
import { BASE } from "./lists.js";
import { ask } from "./service.js";
import { named, say } from "./words.js";

const SECONDS = 10;

/** Show the experiments' numbers. */
export function showExperiment(main) {
  const place = element("section.card", { "aria-live": "polite" }, nothing(say("loading")));
  let drawn = "";

  async function look() {
    const found = await ask("GET", `${BASE}/experiment`);
    const told = JSON.stringify(found);
    if (told === drawn) return;
    drawn = told;
    place.replaceChildren(element("h1", {}, say("part.experiment")), element("p.lead", {}, say("experiment_lead")));
    const arms = Object.entries(found.arms);
    if (arms.length) place.append(table(arms), ...found.differences.map(difference));
    place.append(...Object.entries(found.interleaved).map(mixed));
    if (!arms.length && !Object.keys(found.interleaved).length) place.append(nothing(say("experiment_empty")));
  }

  main.append(place);
  return every(SECONDS, look);
}

function table(arms) {
  const measures = [...new Set(arms.flatMap(([, arm]) => Object.keys(arm.figures)))];
  const rows = [
    [say("arm_users"), (arm) => arm.users],
    [say("arm_lists"), (arm) => arm.lists],
    [say("arm_coverage"), (arm) => percent(arm.coverage)],
    ...measures.map((name) => [named("measure", name), (arm) => figure(name, arm.figures[name])]),
  ];
  return element("div.scrolled", {}, element("table.arms", {},
    element("thead", {}, element("tr", {}, element("th", {}), arms.map(([name]) => element("th", {}, name)))),
    element("tbody", {}, rows.map(([label, cell]) => element("tr", {}, element("th", { scope: "row" }, label),
      arms.map(([, arm]) => element("td", {}, String(cell(arm)))))))));
}

function difference(one) {
  const values = { measure: named("measure", one.measure), arm: one.arm, other: one.other, value: figure(one.measure, one.value) };
  const flag = one.worse && element("span.badge.severity-critical", {}, say("worse", { arm: one.worse }));
  return element("p", {}, `${say("difference", values)} `, flag);
}

function mixed([name, one]) {
  const values = { name, lists: one.lists, users: one.users, own: one.personal, other: one.impersonal, p: one.p.toPrecision(2) };
  return element("p", {}, say("mixed", values), one.credit && ` ${say("mixed_credit", { value: figure("", one.credit) })}`);
}

function figure(measure, value) {
  if (!value) return say("unknown_figure");
  const said = (number) => (measure.startsWith("seconds") ? number.toFixed(1) : `${(100 * number).toFixed(1)}%`);
  return value.low === null ? said(value.value) : `${said(value.value)} (${said(value.low)} – ${said(value.high)})`;
}
