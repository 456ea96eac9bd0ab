// Pictures for a person to look at: target/screenshots. No pixels are compared.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { withPage } from '../support/browser.mjs';
import { LIST, TENANT, cardOf, streets } from '../support/region.mjs';
import { root } from '../support/server.mjs';

const folder = path.join(root, 'target', 'screenshots');

for (const [name, target] of Object.entries({ home: TENANT, list: LIST, card: cardOf(streets[0].code) })) {
  for (const width of [360, 1200]) {
    test(`a picture is taken of the ${name} at ${width} px`, () =>
      withPage({ width }, async (page) => {
        await mkdir(folder, { recursive: true });
        await page.goto(target);
        const picture = await page.screenshot({ path: path.join(folder, `${name}-${width}.png`), fullPage: true });
        assert.ok(picture.length > 0);
      }));
  }
}
