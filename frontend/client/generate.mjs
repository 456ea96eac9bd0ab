// Writes the TypeScript types of an API, and of the documents that a client sends to it.
//   node generate.mjs --schema ADDRESS|FILE [--documents FOLDER] [--out FILE]
import { readFile, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { codegen } from '@graphql-codegen/core';
import * as documentNodes from '@graphql-codegen/typed-document-node';
import * as operations from '@graphql-codegen/typescript-operations';
import { buildSchema, parse, validate } from 'graphql';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const { values: { schema: from, documents: folder, out } } = parseArgs({
  options: {
    schema: { type: 'string' },
    documents: { type: 'string', default: here('src') },
    out: { type: 'string', default: here('src/generated.ts') },
  },
});

if (from === undefined) throw new Error('name a schema: --schema http://localhost:8080/t/<slug>/graphql/schema.graphql');
const sdl = await read(from);
const schema = buildSchema(sdl);
const documents = await documentsIn(folder);
for (const { location, document } of documents) {
  for (const problem of validate(schema, document)) throw new Error(`${location}: ${problem.message}`);
}
const scalars = toImport(here('src/scalars.js'));
const config = {
  // What the API's own scalars are in TypeScript; one that is not named here is a mistake and no `any`.
  strictScalars: true,
  scalars: {
    ID: 'string',
    // Exact numbers, days and instants stay text: JavaScript's numbers and dates would lose digits and zones.
    Decimal: 'string',
    Date: 'string',
    DateTime: 'string',
    GeoJSON: `${scalars}#GeoJson`,
    JSON: 'unknown',
  },
  useTypeImports: true,
  enumType: 'string-literal',
};
const made = await codegen({
  filename: out,
  schema: parse(sdl),
  schemaAst: schema,
  documents,
  config,
  plugins: [{ operations: {} }, { documentNodes: {} }],
  pluginMap: { operations, documentNodes },
});
await writeFile(out, `// Written by generate.mjs; not to be edited.\n${made}`);
console.log(`${path.relative('.', out)}: ${Object.keys(schema.getTypeMap()).length} types, ${documents.length} files of documents`);

async function read(place) {
  if (!/^https?:/.test(place)) return readFile(place, 'utf8');
  const answer = await fetch(place);
  if (!answer.ok) throw new Error(`${place} answers ${answer.status}: is the server running?`);
  return answer.text();
}

async function documentsIn(directory) {
  const names = (await readdir(directory)).filter((name) => name.endsWith('.graphql')).sort();
  if (names.length === 0) throw new Error(`no .graphql file lies in ${directory}`);
  return Promise.all(names.map(async (name) => {
    const location = path.join(directory, name);
    return { location, document: parse(await readFile(location, 'utf8')) };
  }));
}

function toImport(file) {
  const relative = path.relative(path.dirname(out), file).split(path.sep).join('/');
  return relative.startsWith('.') ? relative : `./${relative}`;
}
