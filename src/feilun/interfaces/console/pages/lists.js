/** Lists for a user: why each item is there, what a click on one changes, what is like it, and what a search finds. */

import { attempted, button, element, field, nothing, percent } from "./elements.js";
import { ask, may } from "./service.js";
import { language, named, say } from "./words.js";

export const BASE = "v1/apps/recommendation";
const KEPT = "feilun.user";
const COUNT = 10;
const LIFT = "_lift"; // ends the features of a column of context

/** Show lists; the user stays when the page is opened again. */
export function showLists(main) {
  const user = element("input", { value: sessionStorage.getItem(KEPT) ?? "guest", maxlength: 200, required: true });
  const situation = new Map(); // of each declared column of context its input
  const personal = element("input", { type: "checkbox", checked: true, onchange: () => attempted(look) });
  const query = element("input", { type: "search", maxlength: 500, placeholder: say("search_items") });
  const list = element("section.card", { "aria-live": "polite" }, nothing(say("lists_empty")));
  const beside = element("section.card", {}, nothing(say("beside_empty")));

  async function look() {
    const name = user.value.trim();
    if (!name) return;
    sessionStorage.setItem(KEPT, name);
    const told = [...situation].map(([column, input]) => [column, input.value.trim()]).filter(([, value]) => value);
    const context = Object.fromEntries(told);
    const asked = { user: name, count: COUNT, personal: personal.checked, explain: may("admin"), context };
    draw(await ask("POST", `${BASE}/recommend`, asked));
  }

  async function begin() {
    const { columns } = await ask("GET", `${BASE}/context`);
    for (const column of columns) {
      const input = element("input", { maxlength: 100 });
      situation.set(column, input);
      personal.parentElement.before(field(column, input));
    }
    await look();
  }

  function draw(answer) {
    const facts = [
      answer.note && named("note", answer.note),
      basis(answer),
      !answer.remembered && say("not_remembered"),
    ].filter(Boolean);
    list.replaceChildren(
      element("h1", {}, say("list_for", { user: answer.user })),
      element("p.lead", {}, facts.join(" ")),
      answer.items.length
        ? element("ol.list", {}, answer.items.map((item) => row(answer, item)))
        : nothing(say("list_has_nothing")),
    );
  }

  function row(answer, item) {
    const likely = item.probability !== null && named("probability", answer.probability_of);
    return element(
      "li.row.card",
      {},
      element("span.title", {}, item.title || item.item),
      element("span.fact", {}, item.reason[language()]),
      likely && element("span.badge", {}, `${likely} ${small(item.probability)}`),
      item.explored && element("span.badge.severity-high", {}, say("by_chance", { value: small(item.propensity) })),
      element("span.acts", {},
        may("feedback") && button(say("click"), () => react(answer, item, "click"), "small"),
        may("feedback") && button(say("dislike"), () => react(answer, item, "dislike"), "small"),
        button(say("similar"), () => like(item), "small")),
      contributions(item),
    );
  }

  async function react(answer, item, type) {
    const event = { user: answer.user, item: item.item, type, ranking: answer.ranking };
    await ask("POST", `${BASE}/events`, { events: [event] }); // without an id its content names it: one of a list
    await look();
  }

  async function like(item) {
    const found = await ask("GET", `${BASE}/similar?item=${encodeURIComponent(item.item)}&count=${COUNT}`);
    scored(say("similar_to", { title: item.title || item.item }), found.similar);
  }

  async function seek() {
    const words = query.value.trim();
    if (!words) return;
    const whose = personal.checked && user.value.trim() ? `&user=${encodeURIComponent(user.value.trim())}` : "";
    const found = await ask("GET", `${BASE}/search?query=${encodeURIComponent(words)}&count=${COUNT}${whose}`);
    scored(say("found_for", { query: words }), found.items);
  }

  function scored(title, items) {
    const rows = items.map((one) => element("li", {}, one.title || one.item, element("span.fact", {}, one.score.toFixed(2))));
    beside.replaceChildren(element("h1", {}, title), rows.length ? element("ol.stories", {}, rows) : nothing(say("nothing_fits")));
  }

  const form = (work, ...inside) => element("form.controls", { onsubmit: (event) => {
    event.preventDefault();
    attempted(work);
  } }, inside);
  const submit = (label) => element("button.main", { type: "submit" }, label);
  main.append(
    element("p.lead", {}, say("lists_lead")),
    form(look, field(say("user"), user), element("label.check", {}, personal, say("personal")), submit(say("show_list"))),
    form(seek, field(say("search_items"), query), submit(say("search"))),
    element("div.columns.wide-first", {}, list, beside),
  );
  attempted(begin);
  return () => {};
}

/** Say what the chances of a list are of. */
function basis({ probability_of: of, base_rate: rate }) {
  if (!of) return null;
  const value = small(rate);
  return of === "impressions" ? say("base_rate_impressions", { value }) : say("base_rate_next", { value });
}

/** Write a probability; a small one is not rounded to nothing. */
const small = (share) => (share > 0 && share < 0.095 ? `${(100 * share).toPrecision(2)}%` : percent(share));

function contributions(item) {
  const parts = Object.entries(item.contributions ?? {}).slice(0, 5);
  if (!parts.length) return null;
  const facts = parts.map(([name, value]) => [
    element("dt", {}, name.endsWith(LIFT) ? say("lift_of", { column: name.slice(0, -LIFT.length) }) : named("feature", name)),
    element("dd", {}, `${value > 0 ? "+" : ""}${value.toFixed(2)}`),
  ]);
  return element("details.trace", {}, element("summary", {}, say("contributions")), element("dl", {}, facts));
}
