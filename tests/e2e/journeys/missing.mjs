// What is not there: a page in Chinese that leads home, and no other tenant behind a similar name.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { follow, withPage } from '../support/browser.mjs';
import { LIST, TENANT, cardOf } from '../support/region.mjs';
import { graphql, request } from '../support/server.mjs';

const MISSING = {
  'an unknown tenant': { target: '/t/999999/', home: '/' },
  'an unknown page of the platform': { target: '/nowhere', home: '/' },
  'an unknown page of a tenant': { target: `${TENANT}nowhere`, home: TENANT },
  'an unknown plugin': { target: `${TENANT}p/nowhere/`, home: TENANT },
  'an unknown page of a plugin': { target: `${LIST}nowhere`, home: TENANT },
  'an unknown street': { target: cardOf('610112099'), home: TENANT },
  'a street by no code at all': { target: cardOf('x'), home: TENANT },
  'a plugin that this tenant has not enabled': { target: '/t/610100/p/street-cards/', home: '/t/610100/' },
};

for (const [name, { target, home }] of Object.entries(MISSING)) {
  test(`${name} answers 404 with a page in Chinese that leads home`, () =>
    withPage({ scripts: false }, async (page) => {
      const response = await page.goto(target);
      assert.equal(response.status(), 404);
      assert.equal(await page.locator('html').getAttribute('lang'), 'zh-CN');
      const main = page.getByRole('main');
      assert.match(await main.getByRole('heading', { level: 1 }).innerText(), /\p{Script=Han}/u);
      await follow(page, () => main.getByRole('link', { name: '返回首页' }).click());
      assert.equal(new URL(page.url()).pathname, home);
      assert.equal(await page.getByRole('heading', { level: 1 }).count(), 1);
    }));
}

const titleOf = ({ text }) => /<title>([^<]*)<\/title>/.exec(text)?.[1];

test('a tenant answers at its own host name', async () => {
  const home = await request(TENANT);
  assert.equal(home.status, 200);
  for (const host of ['weiyang.localhost', 'weiyang.localhost:8080', 'WEIYANG.localhost']) {
    const answer = await request('/', { headers: { host } });
    assert.equal(answer.status, 200, host);
    assert.equal(titleOf(answer), titleOf(home), host);
  }
});

test('a host name that only looks like a tenant’s is no tenant', async () => {
  const home = titleOf(await request(TENANT));
  const alike = ['weiyang.localhost.example.com', 'notweiyang.localhost', 'x.weiyang.localhost', 'weiyang-localhost', 'weiyang', '610112',
    '610112.localhost', 'weiyang.localhost@example.com', 'weiyang.localhost/', 'wеiyang.localhost'];
  for (const host of alike) {
    // The last name holds a Cyrillic letter; headers are bytes.
    const headers = { host: Buffer.from(host).toString('latin1') };
    const answer = await request('/', { headers });
    assert.ok(answer.status !== 200 || titleOf(answer) !== home, host);
    assert.notEqual((await request('/p/street-cards/', { headers })).status, 200, host);
    const { status, text } = await graphql('{ __typename }', {}, { target: '/graphql', headers });
    assert.ok(status !== 200 || !text.includes('"data":{'), `${host}: ${text}`);
  }
});
