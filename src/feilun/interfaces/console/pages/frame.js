/** What all pages share: the head with its parts to choose from, the language, and signing in. */

import { attempted, button, calm, element, field, noticeLine } from "./elements.js";
import { ask, may, signedIn, signIn, signOut } from "./service.js";
import { language, say, switchLanguage } from "./words.js";

/**
 * Show a page.
 * @param {string} title Key of its name.
 * @param {Array<{name: string, scope: string, show: function}>} parts Its parts; `show` fills an element with what the
 *   address asks for behind a question mark, and returns what stops it.
 */
export async function start(title, parts) {
  document.documentElement.lang = language() === "zh" ? "zh-CN" : "en";
  document.title = `${say(title)} · ${say("brand")}`;
  const known = await attempted(signedIn);
  if (known === undefined) document.body.replaceChildren(head(title, []), noticeLine());
  else if (known) showParts(title, parts.filter((part) => may(part.scope)));
  else showSignIn(title);
}

function head(title, tabs, ...right) {
  const other = element("button.plain", { type: "button", onclick: switchLanguage }, say("other_language"));
  return element(
    "header",
    {},
    element("div.brand", {}, element("strong", {}, say("brand")), element("span", {}, say(title))),
    element("nav", { "aria-label": say("parts") }, tabs),
    element("div.right", {}, other, right),
  );
}

async function showParts(title, parts) {
  const main = element("main");
  const tabs = parts.map((part) => element("a", { href: `#${part.name}` }, say(`part.${part.name}`)));
  const asked = (await ask("GET", "v1/session")).name !== null;
  const out = asked && button(say("sign_out"), () => signOut().then(() => location.reload()), "plain");
  document.body.replaceChildren(head(title, tabs, out), noticeLine(), main);
  if (!parts.length) return void main.append(element("p.nothing", {}, say("no_scope")));
  let stop = () => {};
  const turn = () => {
    const [name, wanted] = location.hash.slice(1).split("?");
    const at = Math.max(0, parts.findIndex((part) => part.name === name));
    stop();
    calm();
    main.replaceChildren();
    tabs.forEach((tab, number) => {
      tab.classList.toggle("chosen", number === at);
      tab.setAttribute("aria-current", number === at ? "page" : "false");
    });
    stop = parts[at].show(main, new URLSearchParams(wanted));
  };
  addEventListener("hashchange", turn);
  turn();
}

function showSignIn(title) {
  const token = element("input", { type: "password", autocomplete: "off", required: true, spellcheck: "false" });
  const enter = button(say("sign_in"), async () => {
    await signIn(token.value.trim());
    location.reload();
  }, "main");
  const form = element(
    "form.sign-in.card",
    { onsubmit: (event) => (event.preventDefault(), enter.click()) },
    element("h1", {}, say("sign_in")),
    element("p", {}, say("sign_in_why")),
    field(say("token"), token),
    enter,
  );
  document.body.replaceChildren(head(title, []), noticeLine(), element("main", {}, form));
  token.focus();
}
