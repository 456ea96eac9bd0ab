// axe-core in the page. It goes in through the debugger, because the pages' CSP rightly allows no script.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { after } from 'node:test';
import { root } from './server.mjs';

const source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const OPTIONS = {
  runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
  resultTypes: ['violations', 'incomplete'],
};
const undecided = [];

/** What axe finds wrong on the page, a line each. What it cannot decide goes on a list for a person to read. */
export async function faults(page, name) {
  const session = await page.context().newCDPSession(page);
  await evaluate(session, source);
  const run = `axe.run(document, ${JSON.stringify(OPTIONS)}).then(({ violations, incomplete }) => JSON.stringify({ violations, incomplete }))`;
  const { violations, incomplete } = JSON.parse(await evaluate(session, run));
  await session.detach();
  undecided.push(...incomplete.flatMap(lines).map((line) => `${name}: ${line}`));
  return violations.flatMap(lines);
}

after(() => {
  const folder = path.join(root, 'target', 'screenshots');
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, 'axe-to-review.txt'), undecided.map((line) => `${line}\n`).join(''));
});

async function evaluate(session, expression) {
  const { result, exceptionDetails } = await session.send('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true });
  if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
  return result.value;
}

function lines({ id, help, nodes }) {
  return nodes.map((node) => `${id} (${help}) at ${node.target.join(' ')}`);
}
