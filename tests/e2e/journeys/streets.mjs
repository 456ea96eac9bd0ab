// The list of streets and a street's card: what a citizen comes for.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withPage } from '../support/browser.mjs';
import { LIST, cardOf, servicePointsOf, streets } from '../support/region.mjs';

test('the list shows all twelve streets with scripts off, and each links to its card', () =>
  withPage({ scripts: false }, async (page) => {
    await page.goto(LIST);
    assert.equal(streets.length, 12);
    for (const { code, name } of streets) {
      const links = page.getByRole('main').getByRole('link', { name, exact: true });
      assert.ok(await links.count(), `a link named ${name}`);
      for (const link of await links.all()) assert.equal(await link.getAttribute('href'), cardOf(code));
    }
  }));

test('the list has a map with a name, and its numbered places lead to the cards', () =>
  withPage({ scripts: false }, async (page) => {
    await page.goto(LIST);
    assert.equal(await page.getByRole('img', { name: '街道分布' }).count(), 1);
    const markers = page.getByRole('link', { name: /^\d+ 号点位/ });
    const targets = await markers.evaluateAll((all) => all.map((marker) => marker.getAttribute('href')));
    assert.deepEqual(targets.toSorted(), streets.map(({ code }) => cardOf(code)).toSorted());
  }));

for (const { code, name, introduction, location, phone } of [streets[0], streets.at(-1)]) {
  test(`the card of ${name} shows introduction, location, contact, service points and a map, and says 示例数据`, () =>
    withPage({ scripts: false }, async (page) => {
      await page.goto(cardOf(code));
      const main = page.getByRole('main');
      assert.equal(await main.getByRole('heading', { level: 1 }).innerText(), name);
      const text = await main.innerText();
      for (const words of [introduction, location, phone]) assert.ok(text.includes(words), words);
      const points = servicePointsOf(code);
      assert.ok(points.length > 0);
      for (const point of points) {
        const row = main.getByRole('row').filter({ hasText: point.name });
        assert.equal(await row.count(), 1, point.name);
        assert.ok((await row.innerText()).includes(point.phone), point.phone);
      }
      const map = page.getByRole('img', { name: '服务点分布' });
      assert.equal(await map.count(), 1);
      assert.ok(await map.locator('.sketch__outline').count(), 'the outline of the district');
      assert.ok(text.includes('本页为示例数据'), 'the notice above the card');
    }));
}

test('every card of the list opens', () =>
  withPage({ scripts: false }, async (page) => {
    for (const { code, name } of streets) {
      const response = await page.goto(cardOf(code));
      assert.equal(response.status(), 200, code);
      assert.equal(await page.getByRole('heading', { level: 1 }).innerText(), name);
    }
  }));
