// The sample client: typed from a schema, compiled strictly, and run against the server.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { before, test } from 'node:test';
import { everyDocument } from '../support/documents.mjs';
import { streets } from '../support/region.mjs';
import { binary, origin, request, root } from '../support/server.mjs';

const folder = path.join(root, 'frontend/client');
const checked = path.join(folder, 'checked');
const run = (command, ...args) => {
  try {
    return execFileSync(command, args, { cwd: folder, encoding: 'utf8', stdio: 'pipe', maxBuffer: 64 * 1024 * 1024 });
  } catch (error) {
    throw new Error(`${command} ${args.join(' ')}\n${error.stdout}${error.stderr}`);
  }
};
const tsc = (...args) => run(process.execPath, 'node_modules/typescript/bin/tsc', ...args);
const generate = (...args) => run(process.execPath, 'generate.mjs', ...args);

before(() => rmSync(checked, { recursive: true, force: true }));

test('the sample client is generated from the address of a schema, compiles, and does what it says', () => {
  const endpoint = `${origin}/t/610112/graphql`;
  generate('--schema', `${endpoint}/schema.graphql`);
  tsc('--strict');
  const lines = run(process.execPath, 'dist/example.js', endpoint).trim().split('\n');
  const names = streets.toSorted((a, b) => (a.code < b.code ? -1 : 1)).map(({ name }) => name);
  assert.equal(lines[0], `12 streets: ${names.join(' ')}`);
  assert.match(lines[1], /^\S+: 34\.\d+, 108\.\d+; [1-9]\d* service points nearby$/);
  assert.ok(lines[1].startsWith(`${names[0]}: `), lines[1]);
  assert.match(lines[2], /^ {2}\S+ \((STATION|CENTRE|COMMUNITY)\)$/);
  assert.deepEqual(lines.slice(-3), [
    'an empty report: INVALID_INPUT',
    'a report: 0 errors',
    'creating a service point without a token: UNAUTHENTICATED',
  ]);
});

test('a document that the schema does not know is refused before anything is written', () => {
  write('unknown', '{ streetCards { streets { nodes { secret } } } }');
  const from = path.join(root, 'graphql/schema/tests/street-cards.graphql');
  const into = path.join(checked, 'unknown');
  assert.throws(() => generate('--schema', from, '--documents', into, '--out', path.join(into, 'generated.ts')), /secret/);
});

test('a client that asks for everything compiles: of the demo, and of a package with every type of field', async () => {
  const { status, text: ofDemo } = await request('/t/610112/graphql/schema.graphql');
  assert.equal(status, 200);
  const ofEverything = run(binary, 'plugin', 'sdl', path.join(root, 'tests/conformance/packages/round-trip.toml'));
  for (const [name, sdl, namespace, least] of [['demo', ofDemo, 'streetCards', 8], ['everything', ofEverything, 'roundTrip', 90]]) {
    const { text, count } = everyDocument(sdl, namespace);
    assert.ok(count >= least, `${name}: ${count} documents`);
    const into = write(name, text);
    writeFileSync(path.join(into, 'schema'), sdl);
    generate('--schema', path.join(into, 'schema'), '--documents', into, '--out', path.join(into, 'generated.ts'));
  }
  writeFileSync(path.join(checked, 'everything/use.ts'), USE);
  writeFileSync(path.join(checked, 'tsconfig.json'), JSON.stringify({
    extends: '../tsconfig.json', compilerOptions: { rootDir: '..', noEmit: true }, include: ['.'],
  }));
  tsc('--noEmit', '--strict', '-p', 'checked');
  // What compiles must also be able not to: a number is no exact decimal, and a required field cannot be left out.
  writeFileSync(path.join(checked, 'everything/misuse.ts'), MISUSE);
  assert.throws(() => tsc('--noEmit', '--strict', '-p', 'checked'), (error) => {
    assert.deepEqual([...error.message.matchAll(/misuse\.ts\((\d+),/g)].map(([, line]) => line), ['2', '3', '4']);
    return true;
  });
});

const USE = `import type { GeoJson } from '../../src/scalars.js';
import type { RoundTrip_Sort4ThingCreate } from './generated.js';
export const outline: GeoJson = { type: 'Polygon', coordinates: [[[108.9, 34.2], [109, 34.2], [109, 34.3], [108.9, 34.2]]] };
export const input: RoundTrip_Sort4ThingCreate = { code: 'AA-001', outline, areaSize: '0.5', kind: 'FIRST' };
`;
const MISUSE = `import { input, outline } from './use.js';
export const one: typeof input = { ...input, areaSize: 0.5 };
export const two: typeof input = { outline };
export const three: typeof input = { ...input, kind: 'fourth' };
`;

function write(name, document) {
  const into = path.join(checked, name);
  mkdirSync(into, { recursive: true });
  writeFileSync(path.join(into, 'all.graphql'), document);
  return into;
}
