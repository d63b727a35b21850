/** The texts of the interface in both languages; `words.json` is the table. */

const table = await (await fetch(new URL("words.json", import.meta.url))).json();
const KEPT = "feilun.language";

/** Return the language of the page; Chinese unless somebody chose. */
export const language = () => (localStorage.getItem(KEPT) === "en" ? "en" : "zh");

/** Change to the other language; the page begins anew. */
export function switchLanguage() {
  localStorage.setItem(KEPT, language() === "zh" ? "en" : "zh");
  location.reload();
}

/** Say a text of the table, its {places} filled in. */
export function say(key, values = {}) {
  return table[key][language()].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

/** Say what a value of the service is called, such as the state of an incident; one without a name is said as it is. */
export const named = (kind, value) => (`${kind}.${value}` in table ? say(`${kind}.${value}`) : value);
