/** Asks the service that this page came from, and knows who is signed in. */

import { language, named, say } from "./words.js";

const ROOT = new URL("../", import.meta.url);
const JSON_TYPE = { "content-type": "application/json" };
let scopes = [];

/** A refusal of the service, or none at all. */
export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/**
 * Ask the service.
 * @param {string} method GET, POST or DELETE.
 * @param {string} path Such as `v1/apps/…`, without a slash before it.
 * @param {Object} body Sent as JSON, where there is one.
 * @param {Object} headers Further headers.
 * @returns What it answered; null where that is empty.
 */
export async function ask(method, path, body = undefined, headers = {}) {
  const heads = { "accept-language": language(), ...headers };
  const sent = body === undefined ? { headers: heads } : { headers: { ...JSON_TYPE, ...heads }, body: JSON.stringify(body) };
  let answer;
  try {
    answer = await fetch(new URL(path, ROOT), { method, ...sent });
  } catch {
    throw new Refused(0, say("unreachable"));
  }
  const text = await answer.text();
  if (answer.ok) return text ? JSON.parse(text) : null;
  if (answer.status === 401 && path !== "v1/session") location.reload(); // the session is over: sign in again
  throw new Refused(answer.status, said(text, answer.status));
}

/** Say what a status means in the language of the page, and what the service said of it. */
function said(text, status) {
  const meaning = named("status", String(status));
  const what = meaning === String(status) ? say("refused", { status }) : meaning;
  try {
    return say("service_says", { what, message: JSON.parse(text).error.message });
  } catch {
    return what;
  }
}

/** Say whether somebody is signed in, or need not be. */
export async function signedIn() {
  try {
    scopes = (await ask("GET", "v1/session")).scopes;
    return true;
  } catch (error) {
    if (error.status === 401 || error.status === 403) return false;
    throw error;
  }
}

/** Sign in with a token; the browser keeps a cookie that this script cannot read, and the token is forgotten here. */
export async function signIn(token) {
  try {
    await ask("POST", "v1/session", undefined, { authorization: `Bearer ${token}` });
  } catch (error) {
    throw error.status === 401 ? new Refused(401, say("wrong_token")) : error;
  }
}

/** Sign out. */
export const signOut = () => ask("DELETE", "v1/session");

/** Say whether the one who is signed in may do something. */
export const may = (scope) => scopes.includes(scope);
