// A running WidgetApp of the test's own.
import { spawn, execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import WebSocket from 'ws';

import { Stream } from '../dist/index.js';

const program = process.env.WIDGETAPP ?? new URL('../../../../target/debug/widgetapp', import.meta.url).pathname;
const run = promisify(execFile);

export async function start() {
  const data = mkdtempSync(join(tmpdir(), 'widgetapp-js-'));
  const server = spawn(program, ['serve', '--listen', '127.0.0.1:0', '--data', data], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const lines = createInterface({ input: server.stdout });
  const [line] = await new Promise((resolve, reject) => {
    lines.once('line', (line) => resolve([line]));
    server.once('exit', () => reject(new Error(`${program} did not start`)));
  });
  const url = line.replace('listening on ', '');
  const demo = JSON.parse(readFileSync(join(data, 'demo.json'), 'utf8'));
  const token = async (user) => (await run(program, ['token', '--user', user, '--data', data, '--server', url])).stdout.trim();
  return {
    url,
    welcome: demo.things.welcome,
    token,
    stream: (user, options = {}) => new Stream({ url, token: () => token(user), WebSocket, ...options }),
    admin: (...args) => run(`${program}_admin`, ['-data', data, ...args]),
    async stop() {
      server.kill('SIGTERM');
      await new Promise((resolve) => server.once('exit', resolve));
      rmSync(data, { recursive: true, force: true });
    },
  };
}

/** Waits until `ask` gives something. */
export async function until(what, ask) {
  const end = Date.now() + 20_000;
  for (;;) {
    const answer = ask();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`not within 20 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
