// Text size, contrast, 长者版 and language: links that work without scripts and stay from page to page.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { follow, withPage } from '../support/browser.mjs';
import { LIST, TENANT, cardOf, streets } from '../support/region.mjs';
import { request } from '../support/server.mjs';

const choose = (page, name) => follow(page, () =>
  page.getByRole('navigation', { name: /浏览设置|Display settings/ }).getByRole('link', { name, exact: true }).click());
const look = (page) => page.locator('html').evaluate((html) => ({ ...html.dataset }));

test('preferences stay from page to page with scripts off, and can be taken back', () =>
  withPage({ scripts: false }, async (page) => {
    await page.goto(LIST);
    await choose(page, '特大');
    assert.equal(new URL(page.url()).pathname, LIST, 'the choice leads back to where it was made');
    await choose(page, '高对比度');
    await choose(page, '长者版');
    const chosen = { fs: '3', theme: 'high-contrast', mode: 'elder' };
    for (const target of [LIST, TENANT, cardOf(streets[2].code), `${TENANT}nowhere`]) {
      await page.goto(target);
      assert.deepEqual(await look(page), chosen, target);
    }
    await follow(page, () => page.getByRole('link', { name: '退出长者版' }).click());
    await choose(page, '退出高对比度');
    await choose(page, '标准');
    await page.goto(TENANT);
    assert.deepEqual(await look(page), { fs: '1', theme: 'default', mode: 'standard' });
  }));

test('larger text is larger, and 长者版 is at least 18 points', () =>
  withPage({ scripts: false }, async (page) => {
    const size = () => page.getByRole('main').evaluate((main) => Number.parseFloat(getComputedStyle(main).fontSize));
    await page.goto(LIST);
    const standard = await size();
    await choose(page, '大');
    assert.ok(await size() > standard);
    await choose(page, '标准');
    await choose(page, '长者版');
    assert.ok(await size() >= 24, '18 pt are 24 px');
  }));

test('the English switch shows English words of the interface and says so to screen readers', () =>
  withPage({ scripts: false }, async (page) => {
    await page.goto(LIST);
    assert.equal(await page.locator('html').getAttribute('lang'), 'zh-CN');
    await choose(page, 'English');
    for (const target of [LIST, TENANT, cardOf(streets[0].code)]) {
      await page.goto(target);
      assert.equal(await page.locator('html').getAttribute('lang'), 'en', target);
      assert.equal(await page.locator('a.skip').innerText(), 'Skip to content');
      assert.equal(await page.getByRole('navigation', { name: 'Main navigation' }).count(), 1);
    }
    await choose(page, '中文');
    assert.equal(await page.locator('html').getAttribute('lang'), 'zh-CN');
  }));

test('a preference link never leads to another site', async () => {
  for (const back of ['https://example.com/', '//example.com/', '/\\example.com/', '\\\\example.com', 'javascript:alert(1)', '/%0d%0aSet-Cookie: a=b']) {
    const { status, headers } = await request(`${TENANT}preferences?fs=2&back=${encodeURIComponent(back)}`);
    if (status >= 400) continue;
    assert.equal(status, 303, back);
    assert.match(headers.location, /^\/(?![/\\])[^\r\n]*$/, back);
  }
});
