// The typed interface, as another system uses it.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { withPage } from '../support/browser.mjs';
import { streets } from '../support/region.mjs';
import { binary, data, graphql, request } from '../support/server.mjs';

const PAGE = `query Streets($after: String) {
  streetCards {
    streets(first: 5, after: $after, order: [CODE_ASC], filter: { code: { startsWith: "610112" }, sample: { eq: true } }) {
      nodes { code name at { lat lng } nearbyServicePoints }
      pageInfo { hasNextPage endCursor }
      totalCount
    }
  }
}`;

test('following the cursor of a filtered list visits all twelve streets once', async () => {
  const seen = [];
  for (let after = null, more = true; more;) {
    const answer = await graphql(PAGE, { after });
    assert.equal(answer.status, 200, answer.text);
    assert.match(answer.headers['content-type'], /^application\/graphql-response\+json/);
    const { data, errors } = answer.json();
    assert.equal(errors, undefined, answer.text);
    const { nodes, pageInfo, totalCount } = data.streetCards.streets;
    assert.equal(totalCount, 12);
    assert.ok(nodes.length > 0 && nodes.length <= 5);
    seen.push(...nodes);
    ({ hasNextPage: more, endCursor: after } = pageInfo);
  }
  assert.deepEqual(seen.map(({ code }) => code), streets.map(({ code }) => code).toSorted());
  assert.deepEqual(new Set(seen.map(({ name }) => name)), new Set(streets.map(({ name }) => name)));
  for (const { code, nearbyServicePoints } of seen) {
    assert.ok(Number.isInteger(nearbyServicePoints) && nearbyServicePoints >= 1, `${code}: ${nearbyServicePoints}`);
  }
});

test('a filter answers what it names and nothing else', async () => {
  const { code, name } = streets[6];
  const query = 'query($name: String!) { streetCards { streets(filter: { name: { eq: $name } }) { nodes { code } totalCount } } }';
  const answer = await graphql(query, { name });
  const { data, extensions } = answer.json();
  assert.deepEqual(data, { streetCards: { streets: { nodes: [{ code }], totalCount: 1 } } });
  assert.ok(extensions.cost.requested > 0 && extensions.cost.requested <= extensions.cost.limit);
});

test('a query of the plugin answers service points within a walk, nearest first', async () => {
  const query = `query($from: GeoPointInput!) {
    streetCards { walkable(from: $from, minutes: 30) { metres minutes servicePoint { name kind street { name } } } }
  }`;
  const { lat, lng } = streets[0].at;
  const { data, errors } = (await graphql(query, { from: { lat: Number(lat), lng: Number(lng) } })).json();
  assert.equal(errors, undefined);
  const { walkable } = data.streetCards;
  assert.ok(walkable.length > 0);
  const metres = walkable.map((walk) => walk.metres);
  assert.deepEqual(metres, metres.toSorted((a, b) => a - b));
  assert.ok(walkable.every(({ servicePoint }) => servicePoint.name && servicePoint.street.name));
});

test('a field that does not exist is refused before anything runs', async () => {
  const answer = await graphql('{ streetCards { streets { nodes { secret } } } }');
  assert.equal(answer.status, 400);
  assert.equal(answer.json().data ?? null, null);
  assert.ok(answer.json().errors.length > 0);
});

test('the public cannot write', async () => {
  const [{ id, version }] = (await graphql('{ streetCards { streets(first: 1) { nodes { id version } } } }')).json().data.streetCards.streets.nodes;
  const mutation = 'mutation($id: ID!, $version: Int!) { streetCardsDeleteStreet(id: $id, version: $version) { record { id } errors { code } } }';
  const { data, errors } = (await graphql(mutation, { id, version })).json();
  assert.ok(errors?.length || data.streetCardsDeleteStreet.errors.length);
  const left = (await graphql('{ streetCards { streets { totalCount } } }')).json();
  assert.equal(left.data.streetCards.streets.totalCount, 12);
});

test('a document that an operator registers is asked for by its hash', async () => {
  const file = path.join(data, 'version.graphql');
  writeFileSync(file, '{ apiVersion }\n');
  const run = (...args) => execFileSync(binary, args, { encoding: 'utf8', env: { ...process.env, SUNLIT_DATA: data } });
  const [documentId] = run('document', 'add', '610112', file).split('  ');
  assert.match(documentId, /^sha256:[0-9a-f]{64}$/);
  const body = JSON.stringify({ documentId });
  const answer = await request('/t/610112/graphql', { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  assert.ok(JSON.parse(answer.text).data.apiVersion, answer.text);
  writeFileSync(file, '{ open(');
  assert.throws(() => run('document', 'add', '610112', file), /version\.graphql/);
  assert.throws(() => run('setting', 'set', '610112', 'allowed_origins', '["example.org"]'), /no web origin/);
  run('setting', 'set', '610112', 'allowed_origins', '["https://example.org"]');
});

test('the schema can be fetched as text', async () => {
  const { status, text } = await request('/t/610112/graphql/schema.graphql');
  assert.equal(status, 200);
  for (const part of ['type StreetCards_Street', 'nearbyServicePoints', 'input StreetCards_StreetFilter']) assert.ok(text.includes(part), part);
});

test('GraphiQL opens where the interface is, and loads nothing from elsewhere', () =>
  withPage({}, async (page) => {
    await page.goto('/t/610112/graphql', { waitUntil: 'networkidle' });
    await page.waitForSelector('.graphiql-container');
  }));
