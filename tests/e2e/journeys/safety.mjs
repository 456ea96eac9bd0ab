// What a page may load, and what the server says about it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withPage } from '../support/browser.mjs';
import { LIST, PAGES } from '../support/region.mjs';
import { request } from '../support/server.mjs';

// withPage itself fails on a request to elsewhere and on anything that the CSP had to stop.
test('no page asks for anything from elsewhere or breaks its own content security policy', () =>
  withPage({}, async (page) => {
    for (const target of Object.values(PAGES)) await page.goto(target, { waitUntil: 'networkidle' });
  }));

test('every page comes with its security headers', async () => {
  for (const [name, target] of Object.entries(PAGES)) {
    const { headers } = await request(target, { headers: { accept: 'text/html' } });
    const policy = directives(headers['content-security-policy']);
    assert.deepEqual(policy['default-src'], ["'none'"], name);
    assert.deepEqual(policy['style-src'], ["'self'"], name);
    assert.ok(!('script-src' in policy) || policy['script-src'].every((source) => ["'none'", "'self'"].includes(source)), name);
    for (const lone of ['frame-ancestors', 'base-uri']) assert.ok(lone in policy, `${lone} on the ${name}`);
    assert.equal(headers['x-content-type-options'], 'nosniff', name);
    assert.match(headers['referrer-policy'] ?? '', /^(no-referrer|same-origin|strict-origin|strict-origin-when-cross-origin)$/, name);
    assert.match(headers['content-type'], /^text\/html; charset=utf-8$/i, name);
  }
});

test('the style sheet and the icon come with their types and may be kept for ever', async () => {
  const { text } = await request(LIST);
  const addresses = [...text.matchAll(/<link rel="(?:stylesheet|icon)" href="([^"]+)"/g)].map(([, href]) => href.replaceAll('&#x2f;', '/'));
  assert.equal(addresses.length, 2);
  for (const address of addresses) {
    const { status, headers } = await request(address);
    assert.equal(status, 200, address);
    assert.match(headers['content-type'], /^(text\/css|image\/svg\+xml)/, address);
    assert.equal(headers['x-content-type-options'], 'nosniff', address);
    assert.match(headers['cache-control'] ?? '', /immutable/, address);
  }
});

function directives(policy = '') {
  return Object.fromEntries(policy.split(';').map((part) => part.trim().split(/\s+/)).map(([name, ...sources]) => [name, sources]));
}
