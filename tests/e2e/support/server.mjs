// The server under test: the built binary with its demo regions, on a throw-away folder and a free port.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startMail, stopMail } from './mail.mjs';

export const root = fileURLToPath(new URL('../../..', import.meta.url));

// A first start provisions three regions and compiles the plugin, which an unoptimised binary does slowly.
const START_MS = 120_000;
const STOP_MS = 15_000;

/** Where it answers, once the tests run. */
export let origin;
/** Its data folder, and the binary itself. */
export let data;
export let binary;
let server;
let exited;
let said = '';

// Started in a hook and not while modules load: the runner begins as soon as the first test is known to it.
before(async () => {
  data = await mkdtemp(path.join(tmpdir(), 'sunlit-e2e-'));
  const port = await freePort();
  origin = `http://127.0.0.1:${port}`;
  binary = findBinary();
  const env = {
    ...process.env,
    SUNLIT_SMTP: await startMail(),
    SUNLIT_MAIL_FROM: 'noreply@example.org',
    SUNLIT_PUBLIC_URL: origin,
    SUNLIT_LOCAL_IDENTITY_PROVIDERS: 'true',
    SUNLIT_SUBSCRIPTION_DOMAINS: '["gov.cn"]',
  };
  start(binary, ['demo', '--data', data, '--port', String(port)], env);
  await ready();
});
after(async () => {
  await stop();
  stopMail();
  if (data) await rm(data, { recursive: true, force: true });
});

function start(binary, args, env) {
  server = spawn(binary, args, { cwd: root, env });
  exited = new Promise((resolve) => {
    server.on('error', (error) => resolve({ code: null, signal: null, error }));
    server.on('exit', (code, signal) => resolve({ code, signal }));
  });
  for (const stream of [server.stdout, server.stderr]) {
    stream.on('data', (chunk) => { said = (said + chunk).slice(-20_000); });
  }
  // A test run that breaks off must not leave a server behind.
  process.on('exit', () => server.kill('SIGKILL'));
}

/** Asks the server to stop, as an operator's service manager does, and tells how it ended. */
export async function stop() {
  if (!server) return undefined;
  server.kill('SIGTERM');
  const end = await Promise.race([exited, pause(STOP_MS, 'late', { ref: false })]);
  if (end !== 'late') return { ...end, said };
  server.kill('SIGKILL');
  return { ...(await exited), said, late: true };
}

/**
 * One plain request. `fetch` will not send another `Host` and hides what was compressed; this does both.
 * @returns {Promise<{status: number, headers: object, body: Buffer, text: string}>}
 */
export async function request(target, { method = 'GET', headers = {}, body } = {}) {
  const sent = http.request(origin + target, { method, headers, agent: false });
  sent.end(body);
  const [response] = await once(sent, 'response');
  const chunks = await response.toArray();
  const whole = Buffer.concat(chunks);
  return { status: response.statusCode, headers: response.headers, body: whole, text: whole.toString() };
}

/** A GraphQL request to a tenant. */
export async function graphql(query, variables, { target = '/t/610112/graphql', headers = {} } = {}) {
  const body = JSON.stringify({ query, variables });
  const typed = { 'content-type': 'application/json', accept: 'application/graphql-response+json', ...headers };
  const answer = await request(target, { method: 'POST', headers: typed, body });
  return { ...answer, json: () => JSON.parse(answer.text) };
}

async function ready() {
  const until = Date.now() + START_MS;
  while (Date.now() < until) {
    const answer = await request('/readyz').catch(() => undefined);
    if (answer?.status === 200) return;
    const end = await Promise.race([exited, pause(100)]);
    if (end) throw new Error(`the server ended before it was ready: ${end.error ?? JSON.stringify(end)}\n${said}`);
  }
  throw new Error(`the server was not ready after ${START_MS / 1000} s:\n${said}`);
}

async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
}

function findBinary() {
  const built = path.join(path.resolve(root, process.env.CARGO_TARGET_DIR ?? 'target'), 'debug', 'sunlit');
  const found = path.resolve(process.env.SUNLIT_BIN ?? built);
  if (!existsSync(found)) throw new Error(`no server at ${found}: run "cargo build -p sunlit-server" or set SUNLIT_BIN`);
  return found;
}
