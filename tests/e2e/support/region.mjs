// What the portal must show: read from the region's own files, so that a test never repeats the data.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { root } from './server.mjs';

export const TENANT = '/t/610112/';
export const LIST = '/t/610112/p/street-cards/';
export const cardOf = (code) => `${LIST}streets/${code}`;

/** The 12 streets. */
export const streets = records('street.toml');

/** The service points of a street. */
export const servicePointsOf = (code) => records('service_point.toml').filter((point) => point.code.startsWith(`${code}-`));

/** Pages that a visitor meets, by a name for test titles. */
export const PAGES = {
  'platform index': '/',
  'tenant home': TENANT,
  list: LIST,
  card: cardOf(streets[0].code),
  'sign-in page': `${TENANT}auth/sign-in`,
  '404 page': `${TENANT}nowhere`,
};

// The data files hold plain `key = "text"` lines and points; what else is in them is not compared.
function records(file) {
  const text = readFileSync(path.join(root, 'tenants/regions/610112-weiyang', file), 'utf8');
  return text.split('[[record]]').slice(1).map((part) => ({
    ...Object.fromEntries([...part.matchAll(/^(\w+) = "(.*)"$/gm)].map(([, key, value]) => [key, value])),
    at: /^at = \{ lat = "(?<lat>.*)", lng = "(?<lng>.*)" \}$/m.exec(part)?.groups,
  }));
}
