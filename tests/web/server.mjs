// The real program, started for a test in a folder of its own.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const startsWithin = 20_000;

function freePort() {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

export class Program {
  constructor(binary) {
    this.binary = binary;
    this.folder = mkdtempSync(join(tmpdir(), 'salvage-journey-'));
  }
  /** Starts `salvage serve`; answers with the link that lets a browser in. */
  async start(...argumentsOfServe) {
    this.port ??= await freePort();
    this.child = spawn(this.binary, ['serve', '--port', String(this.port), ...argumentsOfServe], { cwd: this.folder, stdio: ['ignore', 'pipe', 'pipe'] });
    this.talk = '';
    const ended = new Promise((resolve) => this.child.on('exit', resolve));
    this.ended = ended;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no link after ${startsWithin} ms: ${this.talk}`)), startsWithin);
      const read = (data) => {
        this.talk += data;
        const link = /http:\/\/127\.0\.0\.1:\d+\/open\?token=\S+/.exec(this.talk);
        if (link) {
          clearTimeout(timer);
          resolve(link[0]);
        }
      };
      this.child.stdout.on('data', read);
      this.child.stderr.on('data', read);
      ended.then((code) => reject(new Error(`salvage serve ended with ${code}: ${this.talk}`)));
    });
  }
  get base() {
    return `http://127.0.0.1:${this.port}`;
  }
  async stop(signal = 'SIGTERM') {
    this.child?.kill(signal);
    await this.ended;
  }
  async remove() {
    await this.stop('SIGKILL').catch(() => undefined);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

let failures = 0;

export function check(isTrue, words) {
  console.log(`${isTrue ? 'ok' : 'NOT OK'}: ${words}`);
  failures += isTrue ? 0 : 1;
}

export function finish() {
  process.exit(failures === 0 ? 0 : 1);
}
