// From the home page to a card without a mouse.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { follow, withPage } from '../support/browser.mjs';
import { LIST, TENANT, cardOf, streets } from '../support/region.mjs';

// The longest page has a map, a list and the frame around them: some 60 stops.
const MOST_STOPS = 150;

test('home, list and card can be walked by keyboard alone', () =>
  withPage({}, async (page) => {
    const { code, name } = streets[4];
    await page.goto(TENANT);
    await followByKeyboard(page, LIST);
    await followByKeyboard(page, cardOf(code));
    assert.equal(await page.getByRole('heading', { level: 1 }).innerText(), name);
    await followByKeyboard(page, TENANT);
  }));

for (const [name, target] of Object.entries({ home: TENANT, list: LIST, card: cardOf(streets[0].code) })) {
  test(`the first stop of the ${name} is the skip link, and it leads into the content`, () =>
    withPage({ width: 360 }, async (page) => {
      await page.goto(target);
      await page.keyboard.press('Tab');
      const link = page.locator(':focus');
      assert.equal(await link.innerText(), '跳到正文');
      assert.ok((await link.boundingBox()).y >= 0, 'it shows itself when it has the focus');
      await page.keyboard.press('Enter');
      assert.equal(await page.evaluate(() => document.activeElement.id), 'main');
      await page.keyboard.press('Tab');
      assert.equal(await page.evaluate(() => Boolean(document.activeElement.closest('main, footer'))), true);
    }));
}

/** Presses Tab up to the link that leads to `target`, then Enter. */
async function followByKeyboard(page, target) {
  for (let stops = 0; stops < MOST_STOPS; stops += 1) {
    await page.keyboard.press('Tab');
    const stop = await page.evaluate(focused);
    assert.ok(stop, `the focus left the page before it reached ${target}`);
    assert.ok(stop.onScreen, `${stop.name} has the focus off the screen`);
    assert.ok(stop.marked, `${stop.name} does not show that it has the focus`);
    if (stop.target === target) {
      await follow(page, () => page.keyboard.press('Enter'));
      assert.equal(new URL(page.url()).pathname, target);
      return;
    }
  }
  assert.fail(`no link to ${target} among ${MOST_STOPS} stops`);
}

/** In the page: what has the focus, and whether a sighted person can tell. */
function focused() {
  const element = document.activeElement;
  if (!element || element === document.body) return undefined;
  const { top, bottom, left, right } = element.getBoundingClientRect();
  const outlined = (part) => {
    const { outlineStyle, outlineWidth } = getComputedStyle(element, part);
    return outlineStyle !== 'none' && outlineWidth !== '0px';
  };
  const disc = element.querySelector('.marker__disc');
  return {
    name: element.getAttribute('aria-label') ?? element.textContent.trim(),
    target: element.href && new URL(element.href.baseVal ?? element.href, location.href).pathname,
    onScreen: bottom > 0 && right > 0 && top < innerHeight && left < innerWidth,
    // A place on the map is marked by the ring of its disc: outlines of shapes differ between browsers.
    marked: outlined() || outlined('::after') || Number.parseFloat(disc ? getComputedStyle(disc).strokeWidth : '0') >= 3,
  };
}
