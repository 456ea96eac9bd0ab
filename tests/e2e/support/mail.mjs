// A mail server that takes everything and forwards nothing.
import { once } from 'node:events';
import { simpleParser } from 'mailparser';
import { SMTPServer } from 'smtp-server';
import { setTimeout as pause } from 'node:timers/promises';

const letters = [];
let server;

/** Starts it; answers its address. */
export async function startMail() {
  server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    onData(stream, _session, done) {
      simpleParser(stream).then((letter) => { letters.push(letter); done(); }, done);
    },
  });
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  return `smtp://127.0.0.1:${server.server.address().port}`;
}

export function stopMail() {
  server?.close();
}

/** The latest letter to somebody, for which this waits; `skip` letters to them are known already. */
export async function letterTo(address, { skip = 0, within = 20_000 } = {}) {
  const until = Date.now() + within;
  for (;;) {
    const own = letters.filter((letter) => letter.to.value.some((to) => to.address === address));
    if (own.length > skip) return own.at(-1);
    if (Date.now() > until) throw new Error(`no letter to ${address} came within ${within / 1000} s`);
    await pause(50);
  }
}

/** The ticket that a letter's link carries. */
export function ticketOf(letter) {
  const [, ticket] = letter.text.match(/\/auth\/ticket\?t=([\w.-]+)/) ?? [];
  if (!ticket) throw new Error(`no link in:\n${letter.text}`);
  return ticket;
}
