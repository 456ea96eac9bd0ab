// The browser, and what every page in every test must keep: no request elsewhere, nothing that the CSP had to stop.
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { chromium } from 'playwright-core';
import { origin } from './server.mjs';

const OPTIONS = {
  executablePath: process.env.SUNLIT_CHROMIUM ?? '/usr/bin/chromium',
  args: ['--headless', '--no-sandbox', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--disable-default-apps', '--lang=zh-CN',
    '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
    '--use-angle=swiftshader', '--enable-unsafe-swiftshader'],
  // Chromium's own texts follow LANGUAGE, whatever the locale of the context is.
  env: { ...process.env, LANGUAGE: 'zh_CN', LANG: 'zh_CN.UTF-8' },
};

let browser;
before(async () => { browser = await chromium.launch(OPTIONS); });
after(() => browser?.close());

/**
 * Runs `use` with a page of its own, and then asks whether the page kept to the server.
 * @param {{width?: number, scripts?: boolean}} options
 */
export async function withPage({ width = 1200, scripts = true }, use) {
  const context = await browser.newContext({
    baseURL: origin,
    viewport: { width, height: 800 },
    locale: 'zh-CN',
    timezoneId: 'Asia/Shanghai',
    reducedMotion: 'reduce',
    javaScriptEnabled: scripts,
  });
  context.setDefaultTimeout(10_000);
  try {
    const trespasses = await watch(context);
    const page = await context.newPage();
    await use(page);
    assert.deepEqual(trespasses, []);
  } finally {
    await context.close();
  }
}

/** Does what leads to another page, and waits until that page is there whole. */
export async function follow(page, step) {
  await Promise.all([page.waitForEvent('load'), step()]);
}

async function watch(context) {
  const trespasses = [];
  context.on('request', (request) => {
    const url = new URL(request.url());
    if (url.origin !== origin && url.protocol !== 'data:') trespasses.push(`request to ${url}`);
  });
  // With scripts off the listener below never runs; the console tells of violations either way.
  context.on('console', (message) => {
    if (/Content Security Policy/i.test(message.text())) trespasses.push(message.text());
  });
  context.on('weberror', (error) => trespasses.push(`script error: ${error.error()}`));
  await context.exposeFunction('reportViolation', (what) => { trespasses.push(`CSP stopped ${what}`); });
  await context.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      globalThis.reportViolation(`${event.violatedDirective} ${event.blockedURI} on ${event.documentURI}`);
    });
  });
  return trespasses;
}
