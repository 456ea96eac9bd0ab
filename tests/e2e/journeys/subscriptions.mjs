// Subscriptions as clients know them: the packages graphql-ws and graphql-sse against the real server.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { createClient as createEvents } from 'graphql-sse';
import { createClient as createSocket } from 'graphql-ws';
import { WebSocket } from 'ws';
import { binary, data, graphql, origin } from '../support/server.mjs';

const TARGET = '/t/610112/graphql';
const FOLLOW = 'subscription { streetCardsStreetChanged { kind id version record { phone } } }';
const FIRST = '{ streetCards { streets(first: 1) { nodes { id version phone } } } }';
const UPDATE = `mutation($id: ID!, $version: Int!, $phone: String) {
  streetCardsUpdateStreet(id: $id, version: $version, input: { phone: $phone }) { record { version } errors { code } }
}`;

const socketUrl = () => origin.replace('http', 'ws') + TARGET;
const token = () => execFileSync(binary, ['token', '610112', '--role', 'editor', '--data', data], { encoding: 'utf8' }).trim();

async function change(phone) {
  const [{ id, version }] = (await graphql(FIRST)).json().data.streetCards.streets.nodes;
  const headers = { authorization: `Bearer ${token()}` };
  const answer = (await graphql(UPDATE, { id, version, phone }, { headers })).json();
  assert.deepEqual(answer.data?.streetCardsUpdateStreet.errors, [], JSON.stringify(answer));
  return { id, version: version + 1 };
}

/** The first result of a subscription, after `provoke` has run; the client is told to end it. */
async function first(client, provoke) {
  const results = client.iterate({ query: FOLLOW });
  const next = results.next();
  // Nothing tells a client that the server follows now, so the change is made again until it is heard.
  let made;
  const timer = setInterval(() => { made = provoke(); made.catch(() => {}); }, 500);
  try {
    const { value } = await next;
    return { value, made: await made };
  } finally {
    clearInterval(timer);
    await results.return();
  }
}

test('graphql-ws hears of a change', async () => {
  const client = createSocket({ url: socketUrl(), webSocketImpl: WebSocket, retryAttempts: 0 });
  const { value } = await first(client, () => change('029-0000-0001'));
  await client.dispose();
  const { kind, version, record } = value.data.streetCardsStreetChanged;
  assert.equal(kind, 'UPDATED');
  assert.ok(version > 1);
  assert.equal(record.phone, '029-0000-0001');
});

test('graphql-sse hears of a change', async () => {
  const client = createEvents({ url: origin + TARGET, retryAttempts: 0 });
  const { value } = await first(client, () => change('029-0000-0002'));
  client.dispose();
  assert.equal(value.data.streetCardsStreetChanged.record.phone, '029-0000-0002');
});

test('a query is answered over both, and a mistake is told', async () => {
  const socket = createSocket({ url: socketUrl(), webSocketImpl: WebSocket, retryAttempts: 0, connectionParams: () => ({ authorization: `Bearer ${token()}` }) });
  for await (const { data: answered } of socket.iterate({ query: '{ apiVersion }' })) assert.ok(answered.apiVersion);
  await assert.rejects(async () => {
    for await (const result of socket.iterate({ query: 'subscription { nothing }' })) assert.fail(JSON.stringify(result));
  }, (errors) => errors[0].extensions.code === 'INVALID_INPUT');
  await socket.dispose();
  const events = createEvents({ url: origin + TARGET, retryAttempts: 0 });
  for await (const { data: answered } of events.iterate({ query: '{ apiVersion }' })) assert.ok(answered.apiVersion);
  for await (const { errors } of events.iterate({ query: 'subscription { nothing }' })) assert.equal(errors[0].extensions.code, 'INVALID_INPUT');
  events.dispose();
});

/** How the server ends a connection on which `say` was said. */
async function endOf(say, { protocol = 'graphql-transport-ws', headers = {} } = {}) {
  const socket = new WebSocket(socketUrl(), protocol, { headers });
  const closed = once(socket, 'close');
  socket.on('error', () => {});
  await once(socket, 'open');
  say(socket);
  const [code] = await closed;
  return code;
}

const INIT = JSON.stringify({ type: 'connection_init' });
const subscribe = (id, query = FOLLOW) => JSON.stringify({ id, type: 'subscribe', payload: { query } });

for (const [what, say, code] of [
  ['says nothing', () => {}, 4408],
  ['sends garbage', (socket) => socket.send('{'), 4400],
  ['sends bytes', (socket) => socket.send(Buffer.from([0xff, 0xfe])), 4400],
  ['sends an unknown message', (socket) => socket.send('{"type":"start"}'), 4400],
  ['sends a message nested deep', (socket) => socket.send('['.repeat(50_000)), 4400],
  ['sends a frame that is too large', (socket) => socket.send(`"${'x'.repeat(300_000)}"`), 1009],
  ['subscribes before it began', (socket) => socket.send(subscribe('1')), 4401],
  ['begins twice', (socket) => { socket.send(INIT); socket.send(INIT); }, 4429],
  ['uses an id twice', (socket) => { socket.send(INIT); socket.send(subscribe('1')); socket.send(subscribe('1')); }, 4409],
  ['has a bad token', (socket) => socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: 'Bearer x' } })), 4403],
]) {
  test(`a client that ${what} is let go with ${code}`, async () => assert.equal(await endOf(say), code));
}

test('of 1,000 subscriptions on one connection the first twenty run and the others are refused', async () => {
  const socket = new WebSocket(socketUrl(), 'graphql-transport-ws');
  await once(socket, 'open');
  socket.send(INIT);
  for (let n = 0; n < 1_000; n += 1) socket.send(subscribe(String(n)));
  let refused = 0;
  await new Promise((resolve, reject) => {
    socket.on('close', (code) => reject(new Error(`closed with ${code}`)));
    socket.on('message', (text) => {
      const { type, payload } = JSON.parse(text);
      if (type !== 'error') return;
      assert.equal(payload[0].extensions.code, 'LIMIT_EXCEEDED');
      refused += 1;
      if (refused === 980) resolve();
    });
  });
  socket.removeAllListeners('close');
  socket.terminate();
});

test('clients that hang up in the middle leave the server as it was', async () => {
  const { hostname, port } = new URL(origin);
  const body = JSON.stringify({ query: '{ streetCards { streets(first: 12) { nodes { name nearbyServicePoints } } } }' });
  const head = `POST ${TARGET} HTTP/1.1\r\nhost: ${hostname}:${port}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n`;
  const stream = `${head}accept: text/event-stream\r\n\r\n${body}`;
  for (const said of [head, `${head}\r\n`, `${head}\r\n${body.slice(0, 20)}`, `${head}\r\n${body}`, stream]) {
    await Promise.all(Array.from({ length: 20 }, async () => {
      const socket = connect(port, hostname);
      socket.on('error', () => {});
      await once(socket, 'connect');
      await new Promise((resolve) => { socket.write(said, resolve); });
      socket.destroy();
    }));
  }
  assert.ok((await graphql('{ streetCards { streets { totalCount } } }')).json().data.streetCards.streets.totalCount);
  await change('029-0000-0003');
});

for (const [what, options] of [
  ['a foreign origin', { headers: { origin: 'https://evil.example' } }],
  ['no origin at all', { headers: { origin: 'null' } }],
  ['another protocol', { protocol: 'graphql-ws' }],
]) {
  test(`a connection with ${what} is not opened`, async () => {
    const { protocol = 'graphql-transport-ws', headers } = options;
    const socket = new WebSocket(socketUrl(), protocol, { headers });
    const [error] = await once(socket, 'error');
    assert.match(error.message, /Unexpected server response: 40[03]/);
  });
}
