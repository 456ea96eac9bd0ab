// axe on every page, as everybody may see it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { faults } from '../support/axe.mjs';
import { follow, withPage } from '../support/browser.mjs';
import { PAGES } from '../support/region.mjs';

// How a visitor comes to each look: the toolbar's own link, and what it must have done.
const LOOKS = {
  default: {},
  elder: { link: '长者版', shown: 'html[data-mode="elder"]' },
  'high-contrast': { link: '高对比度', shown: 'html[data-theme="high-contrast"]' },
};

for (const [name, target] of Object.entries(PAGES)) {
  for (const [look, { link, shown }] of Object.entries(LOOKS)) {
    for (const width of [360, 1200]) {
      test(`axe finds nothing on the ${name}, ${look}, at ${width} px`, () =>
        withPage({ width }, async (page) => {
          await page.goto(target);
          if (link) {
            await follow(page, () => page.getByRole('link', { name: link, exact: true }).click());
            assert.equal(await page.locator(shown).count(), 1);
            assert.equal(new URL(page.url()).pathname, target, 'the toolbar leads back to the page');
          }
          assert.deepEqual(await faults(page, `${name}, ${look}, ${width} px`), []);
        }));
    }
  }
}
