/** What the parts of the page of public opinion share: the scheme, choices, and links to documents. */

import { choice, element, field } from "./elements.js";
import { ask } from "./service.js";
import { language, named, say } from "./words.js";

export const BASE = "v1/apps/public-opinion";
const DAYS = ["7", "30", "90", ""];

let known = null;

/** Return topics, companies, sentiments and regions; asked for once. */
export async function scheme() {
  known ??= inLanguage(await ask("GET", `${BASE}/scheme`));
  return known;
}

/** Schemes have titles for Chinese reports; an English page calls topics by the names that stand in figures. */
function inLanguage(found) {
  const topics = found.topics.map(({ name, title }) => ({ name, title: language() === "zh" ? title : name }));
  return { ...found, topics };
}

/** Return what a topic is called. */
export const titled = (topics, name) => topics.find((topic) => topic.name === name)?.title ?? name;

/** Make a choice of days. */
export function daysField(chosen, changed) {
  const options = DAYS.map((days) => [days, days ? say("last_days", { days }) : say("all_time")]);
  return field(say("time"), choice(options, chosen, changed));
}

/** Make a choice of a topic, or of all. */
export function topicField(topics, chosen, changed) {
  const options = [["", say("all")], ...topics.map((topic) => [topic.name, topic.title])];
  return field(say("topic"), choice(options, chosen, changed));
}

/** Make a choice of a region or source, by what it is called, or of all; nothing where no document tells one. */
export function nameField(called, names, chosen, changed) {
  if (!names.length) return [];
  return [field(named("side", called), choice([["", say("all")], ...names.map((name) => [name, name])], chosen, changed))];
}

/** Make a link to the documents that a number counts. */
export function behind(label, wanted) {
  const given = Object.entries(wanted).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  return element("a", { href: `#documents?${new URLSearchParams(given)}` }, label);
}
