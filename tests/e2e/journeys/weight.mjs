// A page for a phone on a slow line.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LIST } from '../support/region.mjs';
import { request } from '../support/server.mjs';

const MOST_BYTES = 40 * 1024;

test('the list with its style sheet comes in at most 40 KiB, compressed', async () => {
  const packed = { headers: { 'accept-encoding': 'gzip' } };
  const html = await request(LIST, packed);
  const sheet = /<link rel="stylesheet" href="([^"]+)"/.exec((await request(LIST)).text)[1].replaceAll('&#x2f;', '/');
  const css = await request(sheet, packed);
  for (const { headers } of [html, css]) assert.equal(headers['content-encoding'], 'gzip');
  const bytes = html.body.length + css.body.length;
  assert.ok(bytes <= MOST_BYTES, `${bytes} bytes`);
});
