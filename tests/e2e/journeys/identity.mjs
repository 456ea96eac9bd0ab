// People: invited by mail, signed in with two factors or by a provider of identities, and those who lie.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import Provider from 'oidc-provider';
import { faults } from '../support/axe.mjs';
import { follow, withPage } from '../support/browser.mjs';
import { startLiar } from '../support/liar.mjs';
import { letterTo, ticketOf } from '../support/mail.mjs';
import { Jar, code, post, signIn, sunlit } from '../support/people.mjs';
import { graphql, origin } from '../support/server.mjs';

const SLUG = '610112';
const PASSWORD = '碧水长天-2026x';
const ask = async (token, query, variables) => {
  const answer = await graphql(query, variables, { target: `/t/${SLUG}/graphql`, headers: { authorization: `Bearer ${token}` } });
  return answer.json();
};

let guard;
/** The access token of the security administrator, who is invited when the first test asks. */
const security = () => (guard ??= invited());

async function invited() {
  const printed = sunlit('account', 'invite', SLUG, '--email', 'an@example.org', '--name', '安全员', '--role', 'security-administrator');
  const letter = await letterTo('an@example.org');
  assert.ok(letter.subject.includes('未央区'), letter.subject);
  assert.ok(letter.text.includes(printed), `${printed} is not in:\n${letter.text}`);
  const taken = await post(SLUG, 'redeem', { ticket: ticketOf(letter), password: PASSWORD });
  assert.equal(taken.status, 200, taken.text);
  return (await signIn(SLUG, 'an@example.org', PASSWORD)).accessToken;
}

test('an administrator is invited by mail, sets an authenticator up, and signs in with both factors', async () => {
  const invite = 'mutation($input: InviteAccountInput!) { inviteAccount(input: $input) { account { state } errors { code message } } }';
  const input = { email: 'xi@example.org', name: '系统员', roles: ['ADMINISTRATOR'] };
  const made = await ask(await security(), invite, { input });
  assert.deepEqual(made.data.inviteAccount, { account: { state: 'invited' }, errors: [] });
  const both = await ask(await security(), invite, { input: { ...input, email: 'two@example.org', roles: ['ADMINISTRATOR', 'AUDITOR'] } });
  assert.equal(both.data.inviteAccount.errors[0].code, 'SEPARATED_DUTIES');
  const ticket = ticketOf(await letterTo('xi@example.org'));
  assert.equal((await post(SLUG, 'redeem', { ticket, password: PASSWORD })).status, 200);
  assert.equal((await post(SLUG, 'redeem', { ticket, password: PASSWORD })).json.code, 'NOT_FOUND');
  const { accessToken, secret } = await signIn(SLUG, 'xi@example.org', PASSWORD);
  const viewer = await ask(accessToken, '{ viewer { name roles hasSecondFactor sessions { method isThis } } }');
  assert.deepEqual(viewer.data.viewer, {
    name: '系统员', roles: ['ADMINISTRATOR'], hasSecondFactor: true, sessions: [{ method: 'password+totp', isThis: true }],
  });
  assert.equal((await post(SLUG, 'sign-in', { email: 'xi@example.org', password: PASSWORD })).json.code, 'SECOND_FACTOR_REQUIRED');
  const again = await post(SLUG, 'sign-in', { email: 'xi@example.org', password: PASSWORD, code: code(secret, 1) });
  assert.equal(again.status, 200, again.text);
});

test('another password is asked for by mail, and ends every session', async () => {
  sunlit('account', 'invite', SLUG, '--email', 'bian@example.org', '--name', '编辑', '--role', 'editor');
  await post(SLUG, 'redeem', { ticket: ticketOf(await letterTo('bian@example.org')), password: PASSWORD });
  const { accessToken } = await signIn(SLUG, 'bian@example.org', PASSWORD);
  assert.equal((await post(SLUG, 'reset', { email: 'bian@example.org' })).text, '{}');
  assert.equal((await post(SLUG, 'reset', { email: 'nobody@example.org' })).text, '{}');
  const letter = await letterTo('bian@example.org', { skip: 1 });
  assert.match(letter.subject, /重设密码/);
  assert.equal((await post(SLUG, 'redeem', { ticket: ticketOf(letter), password: 'Green-River-7' })).status, 200);
  assert.equal((await ask(accessToken, '{ viewer { id } }')).errors[0].extensions.code, 'UNAUTHENTICATED');
  assert.equal((await post(SLUG, 'sign-in', { email: 'bian@example.org', password: PASSWORD })).json.code, 'INVALID_CREDENTIALS');
  await signIn(SLUG, 'bian@example.org', 'Green-River-7');
});

test('the public halves of the keys that sign tokens can be had', async () => {
  const { keys } = await (await fetch(`${origin}/.well-known/jwks.json`)).json();
  assert.deepEqual(keys.map(({ kty, crv, alg, use }) => ({ kty, crv, alg, use })), [{ kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA', use: 'sig' }]);
  const { accessToken } = await signIn(SLUG, 'bian@example.org', 'Green-River-7');
  const { createLocalJWKSet, jwtVerify } = await import('jose');
  const { payload, protectedHeader } = await jwtVerify(accessToken, createLocalJWKSet({ keys }), { issuer: 'sunlit' });
  assert.equal(protectedHeader.kid, keys[0].kid);
  assert.deepEqual(payload.roles, ['editor']);
});

const setProvider = async (issuer, clientSecret) => {
  const set = 'mutation($input: SetIdentityProviderInput!) { setIdentityProvider(input: $input) { done errors { message } } }';
  const input = { issuer, title: '统一身份认证', clientId: 'sunlit', clientSecret, createsCitizens: true };
  assert.deepEqual((await ask(await security(), set, { input })).data.setIdentityProvider, { done: true, errors: [] });
};

test('a certified provider of identities signs people in: a citizen at once, an auditor with a second factor', async (t) => {
  const people = {
    'shen@example.org': { email: 'shen@example.org', email_verified: true, name: '审计员' },
    'gong@example.org': { email: 'gong@example.org', email_verified: true, name: '公众' },
    'mao@example.org': { email: 'an@example.org', email_verified: false, name: '冒名' },
  };
  const provider = new Provider('http://127.0.0.1:0', {
    clients: [{
      client_id: 'sunlit', client_secret: 'a-secret-of-the-tenant-at-the-provider',
      redirect_uris: [`${origin}/t/${SLUG}/auth/oidc/callback`],
    }],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ sub: id, ...people[id] }) }),
    cookies: { keys: ['of this run'] },
  });
  const server = provider.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.on('listening', resolve));
  t.after(() => server.close());
  const issuer = `http://127.0.0.1:${server.address().port}`;
  provider.issuer = issuer;
  await setProvider(issuer, 'a-secret-of-the-tenant-at-the-provider');
  const ways = await (await fetch(`${origin}/t/${SLUG}/auth`)).json();
  assert.deepEqual(ways.provider, { title: '统一身份认证', begin: `/t/${SLUG}/auth/oidc` });

  const through = async (login) => {
    const jar = new Jar();
    const away = await jar.ask(`/t/${SLUG}/auth/oidc`);
    assert.equal(new URL(away.location).searchParams.get('code_challenge_method'), 'S256');
    const form = await jar.follow(away);
    const submit = async (page, fields) => {
      const [, action] = page.text.match(/action="([^"]+)"/);
      const [, prompt] = page.text.match(/name="prompt" value="(\w+)"/);
      const sent = await jar.ask(action, { method: 'POST', form: { prompt, ...fields } });
      return jar.follow(sent, (address) => !/\/auth\/(account|second-factor)/.test(address));
    };
    const consent = await submit(form, { login, password: 'any' });
    return { jar, end: await submit(consent, {}) };
  };

  const citizen = await through('gong@example.org');
  assert.equal(new URL(citizen.end.location).pathname, `/t/${SLUG}/auth/account`);
  const { name, value } = citizen.jar.cookie('sunlit_refresh');
  const session = await post(SLUG, 'refresh', {}, { cookie: `${name}=${value}` });
  assert.deepEqual(session.json.account.roles, ['citizen']);
  assert.equal((await ask(session.json.accessToken, '{ viewer { name } }')).data.viewer.name, '公众');

  sunlit('account', 'invite', SLUG, '--email', 'shen@example.org', '--name', '审计员', '--role', 'auditor');
  const auditor = await through('shen@example.org');
  const ticket = new URL(auditor.end.location).searchParams.get('t');
  assert.equal(auditor.jar.cookie('sunlit_refresh'), undefined);
  const offered = await post(SLUG, 'second-factor', { ticket });
  const wrong = await post(SLUG, 'second-factor', { ticket, code: '000000' });
  assert.equal(wrong.json.code, 'SECOND_FACTOR_REQUIRED');
  const inside = await post(SLUG, 'second-factor', { ticket, code: code(offered.json.enrol.secret) });
  assert.deepEqual(inside.json.account.roles, ['auditor']);
  assert.equal((await post(SLUG, 'second-factor', { ticket, code: code(offered.json.enrol.secret, 1) })).json.code, 'NOT_FOUND');
  const trail = await ask(inside.json.accessToken, '{ auditTrail(first: 1) { nodes { action subject } } }');
  assert.deepEqual(trail.data.auditTrail.nodes, [{ action: 'sign-in', subject: 'session' }]);

  // An address that the provider has not made sure of is nobody's.
  const impostor = await through('mao@example.org');
  assert.equal(impostor.end.status, 403);
  assert.equal(impostor.jar.cookie('sunlit_refresh'), undefined);
});

test('a provider that lies, is elsewhere or is down signs nobody in', async (t) => {
  const liar = await startLiar();
  t.after(() => liar.stop());
  await setProvider(liar.issuer, 'any');
  const attempt = async ({ lie, change = (query) => query, jar = new Jar() }) => {
    liar.lie = 'none';
    const away = await jar.ask(`/t/${SLUG}/auth/oidc`);
    const query = new URL(away.location).searchParams;
    liar.nonce = query.get('nonce');
    liar.lie = lie;
    const back = change(new URLSearchParams({ state: query.get('state'), code: 'any' }));
    const end = await jar.ask(`/t/${SLUG}/auth/oidc/callback?${back}`);
    return { end, jar };
  };
  const good = await attempt({ lie: 'none' });
  assert.equal(good.end.status, 303, good.end.text);
  for (const lie of ['nonce', 'token issuer', 'audience', 'expired', 'alg none', 'key']) {
    const { end, jar } = await attempt({ lie });
    assert.equal(end.status, 403, `${lie}: ${end.status} ${end.text}`);
    assert.equal(jar.cookie('sunlit_refresh'), undefined, lie);
  }
  const state = await attempt({ lie: 'none', change: (query) => { query.set('state', 'another'); return query; } });
  assert.equal(state.end.status, 404);
  // Somebody else's answer: the browser asked for nothing.
  const foreign = await attempt({ lie: 'none', jar: new Jar() });
  const other = await new Jar().ask(`/t/${SLUG}/auth/oidc/callback?state=x&code=y`);
  assert.equal(other.status, 404);
  assert.equal(foreign.end.status, 303);
  // Whom it vouches for by an address that it has not made sure of gets no account.
  liar.subject = 'liar-2';
  liar.email = 'new@example.org';
  assert.equal((await attempt({ lie: 'unverified' })).end.status, 403);
  for (const [lie, issuer] of [['issuer'], ['redirect'], ['endless'], ['down', 'http://127.0.0.1:9']]) {
    // Nothing is remembered of a provider that was not set before.
    await setProvider(issuer ?? `${liar.issuer}/`, 'any');
    liar.lie = lie;
    const away = await new Jar().ask(`/t/${SLUG}/auth/oidc`);
    assert.equal(away.status, 503, `${lie}: ${away.status}`);
  }
  const remove = await ask(await security(), 'mutation { removeIdentityProvider { done } }');
  assert.equal(remove.data.removeIdentityProvider.done, true);
});

// With scripts off nothing can look for faults, with scripts on nothing else is there.
for (const scripts of [false, true]) {
  test(`people choose a password, set an authenticator up, sign in and out by forms, with scripts ${scripts ? 'on' : 'off'}`, () =>
    byForms(scripts));
}

async function byForms(scripts) {
  const email = `guan-${scripts}@example.org`;
  const link = new URL(sunlit('account', 'invite', SLUG, '--email', email, '--name', '管理员', '--role', 'administrator'));
  await withPage({ scripts, width: 360 }, async (page) => {
    const send = (name) => follow(page, () => page.getByRole('button', { name, exact: true }).click());
    const sound = async (name) => scripts && assert.deepEqual(await faults(page, name), [], name);
    await page.goto(link.href);
    await sound('choose a password');
    await page.getByLabel('密码', { exact: true }).fill('短');
    await page.getByLabel('再次输入密码').fill('短');
    await send('设置密码');
    assert.match(await page.title(), /^错误：/);
    assert.equal(await page.getByLabel('密码', { exact: true }).getAttribute('aria-invalid'), 'true');
    await sound('a password that is not taken');
    await page.getByLabel('密码', { exact: true }).fill(PASSWORD);
    await page.getByLabel('再次输入密码').fill(PASSWORD);
    await send('设置密码');
    assert.match(await page.locator('main').innerText(), /密码已设置/);

    const signIn = async () => {
      await page.getByLabel('邮箱').fill(email);
      await page.getByLabel('密码', { exact: true }).fill(PASSWORD);
    };
    await signIn();
    await send('登录');
    await sound('set an authenticator up');
    const secret = (await page.locator('dd').first().innerText()).replaceAll(' ', '');
    assert.ok((await page.locator('img[src^="data:image/svg+xml"]').boundingBox()).width > 150);
    await signIn();
    await page.getByLabel(/动态验证码/).fill('000000');
    await send('登录');
    assert.match(await page.locator('[role=alert]').innerText(), /动态验证码/);
    assert.equal(await page.getByLabel('邮箱').inputValue(), email);
    await signIn();
    await page.getByLabel(/动态验证码/).fill(code(secret));
    await send('登录');
    assert.equal(new URL(page.url()).pathname, `/t/${SLUG}/auth/account`);
    assert.match(await page.locator('main').innerText(), /管理员[\s\S]*@example\.org[\s\S]*系统管理员/);
    await sound('the account');
    await send('退出登录');
    assert.match(await page.locator('main').innerText(), /您已退出登录/);
    await page.goto(`/t/${SLUG}/auth/account`);
    assert.equal(new URL(page.url()).pathname, `/t/${SLUG}/auth/sign-in`);

    await follow(page, () => page.getByRole('link', { name: '忘记密码' }).click());
    await sound('another password');
    await page.getByLabel('邮箱').fill('nobody@example.org');
    await send('发送邮件');
    assert.match(await page.locator('main').innerText(), /如果该邮箱有账号/);
    // A link that was used leads to a page that says so.
    await page.goto(link.href);
    assert.match(await page.locator('main').innerText(), /链接已失效或已使用/);
  });
}

test('a form of a foreign page signs nobody in', async () => {
  const form = 'email=guan%40example.org&password=x';
  const send = (headers) => fetch(`${origin}/t/${SLUG}/auth/sign-in`, {
    method: 'POST', body: form, redirect: 'manual', headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
  });
  assert.equal((await send({ origin: 'https://evil.example' })).status, 403);
  assert.equal((await send({ origin: 'null' })).status, 403);
  assert.equal((await send({})).status, 415);
  assert.equal((await send({ origin })).status, 401);
});
