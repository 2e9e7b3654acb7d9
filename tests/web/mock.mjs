// A server without a phone behind it: the page at 0, 1 or 50,000 items, for working on it and for screenshots.
//
//   node mock.mjs --dist DIR [--port 8421] [--items 50000] [--state empty|opening|locked|open|failed|gone]
//
// It answers as docs/api/openapi.yaml says; the real server is what the journeys are tested against.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as data from './mock_data.mjs';

const types = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };
export const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; media-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const path = '/home/ann/Rescue of the blue phone/phone.img';
const wrong = (code, what, hint) => ({ error: { code, what, hint } });

class Phone {
  constructor(options) {
    this.items = options.items ?? 50000;
    this.state = options.state ?? 'open';
    this.jobs = [];
    this.streams = new Set();
    this.folders = new Map();
    this.gallery = data.gallery(this.items);
    this.days = data.daysOf(this.gallery);
    if (this.state === 'opening') {
      this.jobs.push({ id: '1', kind: 'open', state: 'running', title: 'Looking at phone.img', step: 'reading every byte once', unit: 'bytes', done: 90e6, total: data.size, rate: 4e8, seconds_left: 140, seconds: 12 });
    }
  }
  workplace() {
    const isThere = this.state === 'locked' || this.state === 'open';
    return {
      state: isThere ? 'open' : this.state, path: this.state === 'empty' ? null : path, case: this.state === 'empty' ? null : `${path.slice(0, -4)}.case`,
      size: isThere ? data.size : null, container: 'raw', verdict: isThere ? data.verdicts[this.state === 'open' ? 'open' : 'needs-secret'] : null,
      is_open: this.state === 'open', how: this.state === 'open' ? 'the PIN' : null, needs_right: this.state === 'locked',
      error: this.state === 'failed' || this.state === 'gone' ? wrong('io', `${path} cannot be read`, 'look whether the disk is still there') : null,
    };
  }
  entries(folder) {
    if (!this.folders.has(folder)) {
      this.folders.set(folder, data.entriesOf(folder, this.items));
    }
    return this.folders.get(folder);
  }
  tell(event, value) {
    for (const stream of this.streams) {
      stream.write(`event: ${event}\ndata: ${JSON.stringify(value)}\n\n`);
    }
  }
  put(job) {
    this.jobs = [job, ...this.jobs.filter((each) => each.id !== job.id)];
    this.tell('job', job);
    return job;
  }
  search(attacks) {
    const job = { id: String(this.jobs.length + 1), kind: 'search', state: 'running', title: 'Searching for the secret', step: '4-digit PIN', unit: 'candidates', done: 0, total: 10000, rate: 80, seconds_left: 125, seconds: 0, can_resume: true, attacks };
    const tick = setInterval(() => {
      const now = this.jobs.find((each) => each.id === job.id);
      if (now?.state === 'running') {
        const done = now.done + 20;
        this.put({ ...now, done, rate: 75 + Math.random() * 10, seconds_left: (10000 - done) / 80, seconds: now.seconds + 0.25 });
      } else if (now?.state !== 'paused') {
        clearInterval(tick);
      }
    }, 250);
    tick.unref();
    return this.put(job);
  }
}

const attacks = [
  { id: 'pin4', name: '4-digit PIN', candidates: 10000, seconds: 124, done: 2500 }, { id: 'dates', name: 'Dates', candidates: 73000, seconds: 905, done: null },
  { id: 'pattern3', name: '3x3 pattern', candidates: 389112, seconds: 4825, done: null }, { id: 'pin6', name: '6-digit PIN', candidates: 1000000, seconds: 12400, done: null },
  { id: 'pin8', name: '8-digit PIN', candidates: 1e8, seconds: 1.24e6, done: null }, { id: 'pattern4', name: '4x4 pattern', candidates: 4350069823024, seconds: 5.4e10, done: null },
  { id: 'words', name: 'Word list', candidates: null, seconds: null, done: null },
];

/** Handlers by "METHOD /path"; each gets the phone, the raw query, and the body. */
const answers = {
  'GET /session': (phone) => ({ version: '0.0.0-mock', token: 'mock', home: '/home/ann', workplace: phone.workplace() }),
  'GET /workplace': (phone) => phone.workplace(),
  'GET /jobs': (phone) => ({ jobs: phone.jobs }),
  'GET /folders': (phone, query) => {
    const at = query.get('path') ?? '/home/ann';
    const entries = [{ name: 'Old phone', kind: 'folder', size: null }, { name: 'phone.case', kind: 'case', size: null }, { name: 'phone.img', kind: 'file', size: data.size }];
    return { path: at, parent: at === '/' ? null : at.replace(/\/[^/]*$/, '') || '/', is_cut: false, entries: phone.items === 0 ? [] : entries.map((each) => ({ ...each, path: `${at}/${each.name}`, modified: 1469282580 })) };
  },
  'POST /workplace': (phone) => { phone.state = 'locked'; phone.tell('workplace', phone.workplace()); return { id: '9', kind: 'open', state: 'done', done: 1, total: 1 }; },
  'POST /sample-phone': (phone) => { phone.state = 'locked'; phone.tell('workplace', phone.workplace()); return phone.put({ id: '8', kind: 'sample-phone', state: 'done', done: 1, total: 1 }); },
  'GET /report': (phone) => data.report(phone.workplace().verdict.code, path),
  'GET /content': (phone, query) => data.content(Number(query.get('from') ?? 0), Number(query.get('to') ?? data.size), Number(query.get('cells') ?? 600)),
  'GET /sources': () => ({ sources: [{ id: 'dump', name: 'the dump', size: data.size, start: 0 }, { id: 'userdata', name: 'userdata, decrypted', size: 64 * 1024 * 1024, start: 0x7800000 }] }),
  'GET /bytes': (phone, query) => data.bytes(query.get('source') ?? 'dump', Number(query.get('at')), Number(query.get('length') ?? 4096)),
  'GET /place': (phone, query) => ({ at: Number(query.get('text')) || 0x3bc8024, place: 'metadata+0x24' }),
  'POST /finds': (phone) => phone.put({ id: '7', kind: 'find', state: 'done', done: data.size, total: data.size, unit: 'bytes', result: { hits: [{ offset: 62685220, pattern: 'aes', partition: 'metadata', partition_offset: 36, structure: true, note: 'part of the aosp crypto footer' }], hits_not_listed: 0 } }),
  'GET /attacks': () => ({ why_not: null, rate: 80.6, devices: '2 cores', attacks }),
  'POST /unlock': (phone, query, body) => {
    const isRight = body.secret === '2580' || body.pattern === '2-5-8-9';
    phone.state = isRight ? 'open' : phone.state;
    phone.tell('workplace', phone.workplace());
    return { is_open: isRight, verdict: phone.workplace().verdict };
  },
  'POST /searches': (phone, query, body) => phone.search(body.attacks),
  'GET /files': (phone, query, body, raw) => {
    const folder = /(?:^|&)path=([^&]*)/.exec(raw)?.[1] ?? '/';
    const all = query.get('deleted') === '1' ? [] : phone.entries(folder);
    const offset = Number(query.get('offset') ?? 0);
    return { key: folder, name: folder, total: all.length, problem: null, entries: all.slice(offset, offset + Number(query.get('limit') ?? 500)) };
  },
  'GET /file-info': (phone, query, body, raw) => {
    const key = /(?:^|&)path=([^&]*)/.exec(raw)?.[1] ?? '/';
    const entry = phone.entries('/media').find((each) => each.key === key) ?? { ...phone.entries('/media')[0], key, name: key.split('/').pop() };
    const lost = entry.problem ? [{ at: 1024, length: 512 }, { at: 2048, length: 512 }] : [];
    return { ...entry, type_shown: entry.kind === 'image' ? 'image/jpeg' : entry.kind === 'text' ? 'text/plain' : 'application/octet-stream', lost, lost_bytes: lost.length * 512, first_byte: 0x7a00000 };
  },
  'GET /sqlite': (phone, query) => ({
    tables: [{ name: 'contacts', rows: 2 }, { name: 'calls', rows: 0 }], table: query.get('table'), columns: query.get('table') ? ['_id', 'name', 'photo'] : [],
    total: query.get('table') === 'contacts' ? 2 : 0, rows: query.get('table') === 'contacts' ? [[1, 'Ann <b>Bold</b>', { blob: 2048 }], [2, 'שרה', null]] : [],
  }),
  'GET /gallery': (phone, query) => {
    const offset = Number(query.get('offset') ?? 0);
    return { state: 'ready', total: phone.gallery.length, days: phone.days, items: phone.gallery.slice(offset, offset + Number(query.get('limit') ?? 500)) };
  },
  'GET /items': (phone) => ({ state: 'ready', problem: null, kinds: data.itemKinds(phone.items) }),
  'POST /selections': () => ({ id: 'mock' }),
  'POST /exports': (phone, query, body) => phone.put({
    id: '6', kind: 'export', state: 'done', title: `Taking files out to ${body.to}`, unit: 'files', done: 42, total: 42, seconds: 3.2,
    result: { files: 42, folders: 39, symlinks: 2, bytes: 5.3e6, failed: [{ path: '/media/0/DCIM/IMG_1.jpg', reason: 'two sectors could not be read', lost_bytes: 1024, partial: true }], manifest: `${body.to}/manifest.jsonl`, sums: `${body.to}/SHA256SUMS` },
  }),
  'GET /restore': (phone) => (phone.items === 0 ? { plan: null, why: 'nothing has to be put back: this opens on a computer' } : { plan: data.plan, why: '', command: `salvage restore apply plan.json --hash ${data.plan.hash.slice(0, 12)}` }),
  'GET /log': (phone, query) => {
    const total = phone.items === 0 ? 0 : Math.min(phone.items, 1234);
    const offset = Number(query.get('offset') ?? 0);
    const end = Math.min(total, offset + Number(query.get('limit') ?? 200));
    const records = [];
    for (let i = offset; i < end; ++i) {
      records.push({ number: i + 1, time: '2026-01-02T03:04:05Z', event: 'file.written', text: `parts/partition-${i}.img was written, 3145728 bytes` });
    }
    return { head: total ? 'ab'.repeat(32) : null, total, records };
  },
};

function act(phone, parts) {
  const job = phone.jobs.find((each) => each.id === parts[2]);
  return job && phone.put({ ...job, state: { pause: 'paused', resume: 'running', stop: 'stopped' }[parts[3]] });
}

async function bodyOf(request) {
  let text = '';
  for await (const part of request) {
    text += part;
  }
  return text === '' ? {} : JSON.parse(text);
}

function sendFile(response, dist, name) {
  const file = join(dist, normalize(name));
  let bytes;
  try {
    bytes = readFileSync(extname(file) === '' ? join(dist, 'index.html') : file);
  } catch {
    response.writeHead(404).end();
    return;
  }
  response.writeHead(200, { 'Content-Type': types[extname(file)] ?? types['.html'], 'Content-Security-Policy': policy, 'X-Content-Type-Options': 'nosniff' });
  response.end(bytes);
}

export function serve(options) {
  const phone = new Phone(options);
  const server = createServer(async (request, response) => {
    const [route, raw = ''] = request.url.split('?');
    const send = (status, value) => response.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' }).end(JSON.stringify(value));
    if (!route.startsWith('/api/v1/')) {
      return sendFile(response, options.dist, route);
    }
    const name = route.slice('/api/v1'.length);
    if (name === '/events') {
      response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
      response.write(`event: workplace\ndata: ${JSON.stringify(phone.workplace())}\n\n`);
      phone.streams.add(response);
      request.on('close', () => phone.streams.delete(response));
      return undefined;
    }
    if (name === '/thumbnail' || name === '/file') {
      const isPicture = /\.jpg(&|$)/.test(raw);
      response.writeHead(200, { 'Content-Type': isPicture ? 'image/svg+xml' : 'text/plain; charset=utf-8' });
      return response.end(isPicture ? data.picture(raw) : 'A note.\n<script>alert(1)</script>\nשלום\n'.repeat(40));
    }
    const parts = name.split('/');
    if (parts[1] === 'item-pictures') {
      response.writeHead(200, { 'Content-Type': 'image/svg+xml' });
      return response.end(data.picture(parts[2]));
    }
    const query = new URLSearchParams(raw);
    if (parts[1] === 'items' && parts[2]) {
      const count = data.itemKinds(phone.items).find((kind) => kind.name === parts[2])?.items ?? 0;
      return send(200, data.itemTable(parts[2], count, Number(query.get('offset') ?? 0), Number(query.get('limit') ?? 200), query.get('text')));
    }
    if (parts[1] === 'messages') {
      return send(200, data.said(query.get('text'), phone.items));
    }
    if (parts[1] === 'conversations') {
      return send(200, data.conversation(Number(parts[2]), phone.items));
    }
    const answer = answers[`${request.method} ${name}`];
    const value = parts[1] === 'jobs' && parts[3] ? act(phone, parts) : answer?.(phone, query, await bodyOf(request), raw);
    return value === undefined ? send(404, wrong('not_found', `there is no ${name}`, 'look at docs/api/openapi.yaml')) : send(200, value);
  });
  return new Promise((resolve) => server.listen(options.port ?? 0, '127.0.0.1', () => resolve({ port: server.address().port, phone, close: () => { server.closeAllConnections(); server.close(); } })));
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const option = (name, otherwise) => { const at = process.argv.indexOf(`--${name}`); return at < 0 ? otherwise : process.argv[at + 1]; };
  const { port } = await serve({ dist: option('dist', 'dist'), port: Number(option('port', 8421)), items: Number(option('items', 50000)), state: option('state', 'open') });
  console.log(`http://127.0.0.1:${port}/`);
}
