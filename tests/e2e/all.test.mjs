// Every journey on one server and one browser. A journey can also run alone: node --test journeys/keyboard.mjs
import assert from 'node:assert/strict';
import { test } from 'node:test';
import './journeys/streets.mjs';
import './journeys/keyboard.mjs';
import './journeys/preferences.mjs';
import './journeys/missing.mjs';
import './journeys/safety.mjs';
import './journeys/layout.mjs';
import './journeys/weight.mjs';
import './journeys/graphql.mjs';
import './journeys/client.mjs';
import './journeys/audits.mjs';
import './journeys/subscriptions.mjs';
import './journeys/identity.mjs';
import './journeys/subscription.mjs';
import './journeys/accessibility.mjs';
import './journeys/pictures.mjs';
import { stop } from './support/server.mjs';

// Last, with the browser's connections still open, as an operator would stop it.
test('the server stops when it is asked to and says that all is well', async () => {
  const { code, signal, late, said } = await stop();
  assert.ok(!late, `it did not stop in time:\n${said}`);
  assert.equal(signal, null, said);
  assert.equal(code, 0, said);
});
