// GraphQL over HTTP as its authors audit it: each audit of the package graphql-http is a test, and none may go missing.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serverAudits } from 'graphql-http';
import { origin } from '../support/server.mjs';

const AUDITS = 61;
const audits = serverAudits({ url: () => `${origin}/t/610112/graphql`, fetchFn: fetch });

test(`there are ${AUDITS} audits`, () => assert.equal(audits.length, AUDITS));

for (const { id, name, fn } of audits) {
  test(`audit ${id}: ${name}`, async () => {
    const result = await fn();
    assert.equal(result.status, 'ok', result.reason);
  });
}
