// An authority subscribes by itself: from the form to its first published record, in one run against the real server. Pages with
// scripts off, but for the look for faults; each step's time is printed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { faults } from '../support/axe.mjs';
import { follow, withPage } from '../support/browser.mjs';
import { letterTo, ticketOf } from '../support/mail.mjs';
import { code, signIn } from '../support/people.mjs';
import { graphql, origin, request } from '../support/server.mjs';

const SLUG = '999101';
const PASSWORD = '碧水长天-2026x';
const KEEPER = 'zhang@test.gov.cn';
const GUARD = 'li@test.gov.cn';
const EDITOR = 'wang@test.gov.cn';

const ask = async (token, query, variables) => {
  const headers = token ? { authorization: `Bearer ${token}` } : {};
  const answer = await graphql(query, variables, { target: `/t/${SLUG}/graphql`, headers });
  return answer.json();
};

const steps = [];
async function step(name, work) {
  const began = performance.now();
  const done = await work();
  steps.push(`${name}  ${((performance.now() - began) / 1000).toFixed(1)} s`);
  return done;
}

/** Somebody takes an account by the link of a letter, with scripts off. */
async function take(page, address, { skip = 0 } = {}) {
  const letter = await letterTo(address, { skip });
  await page.goto(`/t/${SLUG}/auth/ticket?t=${ticketOf(letter)}`);
  await page.getByLabel('密码', { exact: true }).fill(PASSWORD);
  await page.getByLabel('再次输入密码').fill(PASSWORD);
  await follow(page, () => page.getByRole('button', { name: '设置密码', exact: true }).click());
  assert.match(await page.locator('main').innerText(), /密码已设置/);
}

test('an authority subscribes by itself and publishes its first record', () =>
  withPage({ scripts: false, width: 360 }, async (page) => {
    const send = (name) => follow(page, () => page.getByRole('button', { name, exact: true }).click());
    const began = performance.now();

    await step('the form is filled in', async () => {
      await page.goto('/');
      await page.getByRole('link', { name: '开通政务公开平台' }).click();
      await page.getByLabel('区划代码').fill(SLUG);
      await page.getByLabel('机关全称').fill('测试区人民政府');
      await page.getByLabel('级别').selectOption({ label: '区县级' });
      await page.getByLabel('套餐').selectOption('trial');
      await page.getByLabel('系统管理员姓名').fill('张一');
      await page.getByLabel('系统管理员邮箱').fill('zhang@gov.cn.evil.example');
      await page.getByLabel('安全管理员姓名').fill('李二');
      await page.getByLabel('安全管理员邮箱').fill(GUARD);
      await send('提交');
      assert.match(await page.title(), /^错误：/);
      assert.equal(await page.getByLabel('系统管理员邮箱').getAttribute('aria-invalid'), 'true');
      assert.equal(await page.getByLabel('机关全称').inputValue(), '测试区人民政府');
      await page.getByLabel('系统管理员邮箱').fill(KEEPER);
      await send('提交');
      assert.match(await page.locator('main').innerText(), /确认链接已发到 zhang@test\.gov\.cn/);
    });

    const link = await step('the link comes by mail', async () => {
      const letter = await letterTo(KEEPER);
      assert.match(letter.subject, /测试区人民政府/);
      const [found] = letter.text.match(/http\S+\/subscribe\/confirm\?ticket=\S+/);
      assert.ok(found.startsWith(origin), found);
      return found;
    });

    await step('the subscription is confirmed', async () => {
      await page.goto(link);
      assert.equal((await request(`/t/${SLUG}/`)).status, 404, 'looking does nothing');
      await send('确认开通');
      const text = await page.locator('main').innerText();
      for (const words of [`${origin}/t/${SLUG}/`, `${origin}/t/${SLUG}/graphql`, KEEPER, GUARD, '试用版']) assert.ok(text.includes(words), words);
      await follow(page, () => page.getByRole('link', { name: '打开门户' }).click());
      assert.equal(new URL(page.url()).pathname, `/t/${SLUG}/`);
    });

    await step('both take their accounts', async () => {
      // The first letter to the administrator was the link of the subscription.
      await take(page, KEEPER, { skip: 1 });
      await take(page, GUARD);
    });

    await step('the administrator signs in with two factors and sees plan and usage', async () => {
      const fill = async () => {
        await page.getByLabel('邮箱').fill(KEEPER);
        await page.getByLabel('密码', { exact: true }).fill(PASSWORD);
      };
      await page.goto(`/t/${SLUG}/auth/sign-in`);
      await fill();
      await send('登录');
      const secret = (await page.locator('dd').first().innerText()).replaceAll(' ', '');
      await fill();
      await page.getByLabel(/动态验证码/).fill(code(secret));
      await send('登录');
      const text = await page.locator('main').innerText();
      assert.match(text, /系统管理员[\s\S]*试用版[\s\S]*账号数[\s\S]*2，共 10/);
    });

    const editor = await step('the security administrator names an editor, who takes the account', async () => {
      const { accessToken } = await signIn(SLUG, GUARD, PASSWORD);
      const invite = 'mutation($input: InviteAccountInput!) { inviteAccount(input: $input) { errors { code message } } }';
      const input = { email: EDITOR, name: '王三', roles: ['EDITOR', 'REVIEWER'] };
      assert.deepEqual((await ask(accessToken, invite, { input })).data.inviteAccount.errors, []);
      await take(page, EDITOR);
      return (await signIn(SLUG, EDITOR, PASSWORD)).accessToken;
    });

    await step('the first record is made and published', async () => {
      const create = `mutation($input: StreetCards_StreetCreate!) {
        streetCardsCreateStreet(input: $input) { record { id version state } errors { code message path } }
      }`;
      const input = { code: `${SLUG}001`, name: '碧水街道', introduction: '依水而建的街道。' };
      const made = (await ask(editor, create, { input })).data.streetCardsCreateStreet;
      assert.deepEqual(made.errors, []);
      // Streets have no workflow: what an editor makes is published.
      assert.equal(made.record.state, 'published');
    });

    await step('citizens and programs read it', async () => {
      await page.goto(`/t/${SLUG}/p/street-cards/`);
      await follow(page, () => page.getByRole('link', { name: '碧水街道' }).first().click());
      assert.equal(await page.getByRole('heading', { level: 1 }).innerText(), '碧水街道');
      const found = await ask(undefined, '{ streetCards { streets { nodes { name } } } }');
      assert.deepEqual(found.data.streetCards.streets.nodes, [{ name: '碧水街道' }]);
    });

    for (const line of steps) console.log(line);
    console.log(`subscription to first published record  ${((performance.now() - began) / 1000).toFixed(1)} s`);
  }));

test('the pages of self-service have no faults that can be found, and a link that was changed says so', () =>
  withPage({ scripts: true, width: 360 }, async (page) => {
    await page.goto('/subscribe');
    assert.deepEqual(await faults(page, 'subscribe'), []);
    await follow(page, () => page.getByRole('button', { name: '提交', exact: true }).click());
    assert.match(await page.title(), /^错误：/);
    assert.deepEqual(await faults(page, 'subscribe with faults'), []);
    const body = {
      code: '999102', name: '测试二区', kind: 'district', plan: 'trial', administratorName: '赵四',
      administratorEmail: 'zhao@test.gov.cn', securityName: '钱五', securityEmail: 'qian@test.gov.cn',
    };
    const sent = await request('/subscribe', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
    assert.equal(sent.status, 202, sent.text);
    const [link] = (await letterTo('zhao@test.gov.cn')).text.match(/http\S+\/subscribe\/confirm\?ticket=\S+/);
    await page.goto(link);
    assert.deepEqual(await faults(page, 'confirm'), []);
    const response = await page.goto(`${link.slice(0, -3)}xyz`);
    assert.equal(response.status(), 404);
    assert.match(await page.locator('main').innerText(), /链接已失效或已使用/);
  }));
