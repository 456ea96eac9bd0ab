// People who sign in over the real routes.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { Secret, TOTP } from 'otpauth';
import { binary, data, origin, request } from './server.mjs';

/** The command line beside the running server. */
export function sunlit(...args) {
  return execFileSync(binary, [...args, '--data', data], { encoding: 'utf8', env: { ...process.env, SUNLIT_PUBLIC_URL: origin } }).trim();
}

/** A POST of JSON below `/auth`. */
export async function post(slug, path, body, { cookie, headers = {} } = {}) {
  const answer = await request(`/t/${slug}/auth/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(cookie && { cookie }), ...headers },
    body: JSON.stringify(body),
  });
  return { ...answer, json: JSON.parse(answer.text || 'null') };
}

/** What an authenticator shows for a secret, so many steps from now. */
export function code(secret, steps = 0) {
  return new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: Date.now() + steps * 30_000 });
}

/** Signs in, setting an authenticator up where one is needed. */
export async function signIn(slug, email, password) {
  let answer = await post(slug, 'sign-in', { email, password });
  let secret;
  if (answer.json.enrol) {
    ({ secret } = answer.json.enrol);
    answer = await post(slug, 'sign-in', { email, password, code: code(secret) });
  }
  assert.equal(answer.status, 200, answer.text);
  return { ...answer.json, secret };
}

/** A browser without scripts: follows redirects and keeps cookies, until somebody leaves for another origin than the allowed ones. */
export class Jar {
  #cookies = new Map();

  async ask(address, { method = 'GET', form } = {}) {
    const url = new URL(address, origin);
    const own = this.#cookies.get(url.origin) ?? new Map();
    const sent = [...own.values()].filter(({ path }) => url.pathname.startsWith(path));
    const response = await fetch(url, {
      method,
      redirect: 'manual',
      headers: {
        cookie: sent.map(({ name, value }) => `${name}=${value}`).join('; '),
        ...(form && { 'content-type': 'application/x-www-form-urlencoded' }),
      },
      body: form && new URLSearchParams(form).toString(),
    });
    for (const line of response.headers.getSetCookie()) {
      const [pair, ...rest] = line.split(/;\s*/);
      const [name, ...value] = pair.split('=');
      const path = rest.find((part) => /^path=/i.test(part))?.slice(5) ?? '/';
      if (rest.some((part) => /^max-age=0$/i.test(part))) own.delete(name);
      else own.set(name, { name, path, value: value.join('=') });
    }
    this.#cookies.set(url.origin, own);
    const text = await response.text();
    const location = response.headers.get('location');
    return { status: response.status, headers: response.headers, text, location: location && new URL(location, url).href };
  }

  /** Follows redirects as long as they lead somewhere that `may` allows; answers where it stopped. */
  async follow(answer, may = () => true) {
    let now = answer;
    for (let step = 0; now.location && may(now.location) && step < 15; step += 1) now = await this.ask(now.location);
    return now;
  }

  cookie(name) {
    return [...this.#cookies.values()].flatMap((own) => [...own.values()]).find((cookie) => cookie.name === name);
  }
}
