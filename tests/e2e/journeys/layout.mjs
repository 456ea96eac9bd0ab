// Nothing is cut off: no sideways scrolling, and print without what only a screen needs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withPage } from '../support/browser.mjs';
import { LIST, PAGES, cardOf, streets } from '../support/region.mjs';

for (const [name, target] of Object.entries(PAGES)) {
  for (const width of [320, 360, 1200]) {
    test(`the ${name} does not scroll sideways at ${width} px, nor with text at 200 %`, () =>
      withPage({ width }, async (page) => {
        await page.goto(target);
        assert.deepEqual(await tooWide(page), []);
        await page.evaluate(() => {
          const html = document.documentElement;
          html.style.fontSize = `${2 * Number.parseFloat(getComputedStyle(html).fontSize)}px`;
        });
        assert.deepEqual(await tooWide(page), [], 'text at 200 %');
      }));
  }
}

test('print leaves out navigation and toolbar and keeps the card', () =>
  withPage({}, async (page) => {
    await page.goto(cardOf(streets[0].code));
    const forScreens = page.getByRole('navigation');
    assert.ok(await forScreens.count() >= 2, 'main navigation and toolbar');
    await page.emulateMedia({ media: 'print' });
    assert.equal(await forScreens.filter({ visible: true }).count(), 0);
    assert.ok(await page.getByRole('heading', { level: 1 }).isVisible());
    assert.ok((await page.getByRole('main').innerText()).includes(streets[0].introduction));
  }));

test('print keeps the map and the names of the list', () =>
  withPage({}, async (page) => {
    await page.goto(LIST);
    await page.emulateMedia({ media: 'print' });
    assert.ok(await page.getByRole('img', { name: '街道分布' }).isVisible());
    const text = await page.getByRole('main').innerText();
    for (const { name } of streets) assert.ok(text.includes(name), name);
  }));

/** The elements that make the page wider than its window, or nothing. */
function tooWide(page) {
  return page.evaluate(() => {
    const room = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= room) return [];
    const outside = [...document.body.querySelectorAll('*')].filter((element) => element.getBoundingClientRect().right > room + 0.5);
    const widest = outside.map((element) => `${element.tagName.toLowerCase()}.${element.getAttribute('class')}`);
    return [`${document.documentElement.scrollWidth} px in ${room} px`, ...new Set(widest)];
  });
}
