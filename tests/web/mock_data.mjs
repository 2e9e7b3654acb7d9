// A phone that the mock makes up: the sample phone's partitions, and as many files as are asked for.

const MiB = 1024 * 1024;
export const size = 210239488;

const table = [
  ['proinfo', 0x80000, 3 * MiB, 'radio and calibration', 'text or code', 0.4],
  ['nvram', 0x380000, 5 * MiB, 'radio and calibration', 'text or code', 0.8],
  ['protect1', 0x880000, 10 * MiB, 'radio and calibration', 'empty', 0],
  ['protect2', 0x1280000, 10 * MiB, 'radio and calibration', 'empty', 0],
  ['lk', 0x1c80000, 0x80000, 'boot chain', 'text or code', 5.9],
  ['para', 0x1d00000, 0x80000, 'keys and footers', 'empty', 0],
  ['boot', 0x1d80000, 16 * MiB, 'boot chain', 'text or code', 6.4],
  ['recovery', 0x2d80000, 13 * MiB, 'boot chain', 'text or code', 6.2],
  ['secro', 0x3a80000, 0xc8000, 'reserved', 'empty', 0],
  ['seccfg', 0x3b48000, 0x80000, 'boot chain', 'text or code', 0.1],
  ['metadata', 0x3bc8000, 0x2000000, 'keys and footers', 'mixed', 0.4],
  ['system', 0x6000000, 16 * MiB, 'system', 'text or code', 3.1],
  ['cache', 0x7000000, 8 * MiB, 'system', 'empty', 0.2],
  ['userdata', 0x7800000, 64 * MiB, 'user data', 'looks encrypted', 7.99],
  ['flashinfo', 0xb800000, 16 * MiB, 'reserved', 'empty', 0],
];

export const partitions = table.map(([name, start, bytes, role, looks, entropy]) => ({
  name, region: 'user', start, size: bytes, source: 'gpt', filesystem: name === 'system' ? 'ext4' : null, role, looks, entropy, attributes: {},
}));

export const verdicts = {
  'needs-secret': {
    code: 'needs-secret',
    headline: 'Needs the PIN, pattern or password. Here is what finding it would take.',
    text: 'This opens on a computer once the PIN is known; the phone is not needed.',
    proof: [
      'aosp crypto footer 1.3 at 0x3bc8000 (62685184) (metadata+0x0), found by known place.',
      'Key derivation: scrypt (N=2^15, r=2^3, p=2^1); cipher: aes-cbc-essiv:sha256; key of 16 bytes.',
    ],
    next: 'salvage crack phone.img',
    cost: [
      { attack: '4-digit PIN', candidates: 10000, seconds: 124 },
      { attack: '6-digit PIN', candidates: 1000000, seconds: 12400 },
      { attack: '3x3 pattern', candidates: 389112, seconds: 4825 },
      { attack: '8-digit PIN', candidates: 100000000, seconds: 1240000 },
    ],
  },
  open: {
    code: 'open', headline: 'Open. Nothing was guessed.', text: 'The PIN opens it. All of it can be read.',
    proof: ['The key that the PIN gives makes an ext4 superblock out of the first sectors.'], next: 'salvage export phone.img --to files', cost: [],
  },
};

export function report(code, path) {
  return {
    schema: 'salvage.inspect/1',
    source: { path, container: 'raw', size, sha256: '76528c158170a9925c4f32ecb966f646d6c2cb657f845babb6f51476abe330a2' },
    verdict: verdicts[code], sources: [{ path, kind: 'gpt', dialect: 'rev 1.0, 512-byte sectors' }], device_size: size, sector_size: 512, partitions,
    findings: [
      { code: 'gap', severity: 'note', text: '1 place between partitions belongs to none, 4.2 MiB in all.', where: { source: null, offset: 96239616, partition: null }, values: { gaps: 1, total: 4423680 } },
      { code: 'scatter-differs', severity: 'warning', text: 'The scatter file puts cache 1 MiB away from where the table has it; the table is right.', where: { source: 'scatter', offset: 0x7000000, partition: 'cache' }, values: { scatter_start: 118489088, taken: 'gpt' } },
      { code: 'part-unreadable', severity: 'error', text: '3 sectors of userdata could not be read.', where: { source: null, offset: 0x7900000, partition: 'userdata' }, values: { sectors: 3 } },
    ],
    footers: [{
      offset: 0x3bc8000, file: null, partition: 'metadata', place: 'metadata+0x0', found_by: 'known place', kind: 'aosp', version: '1.3', kdf: 'scrypt',
      cipher: 'aes-cbc-essiv:sha256', key_bytes: 16, keymaster: 'none', findings: [],
    }],
    decoys: [{ offset: 101241693, partition: 'system', reason: 'the text "aes-cbc-essiv:sha256" without a footer before it: a string inside other data' }],
    completeness: { complete: true, expected: size, present: size, unreadable: 1536, text: 'the dump holds all 200.5 MiB that its GPT says' },
  };
}

export function content(from, to, cells) {
  const out = [];
  for (let i = 0; i < cells; ++i) {
    const at = from + ((to - from) * i) / cells;
    const part = partitions.find((each) => at >= each.start && at < each.start + each.size);
    const noise = Math.abs(Math.sin(at / 1e5));
    if (at >= 0x7900000 && at < 0x7980000) {
      out.push({ looks: 'unreadable', entropy: null });
    } else if (!part) {
      out.push({ looks: 'hole', entropy: null });
    } else if (part.looks === 'looks encrypted') {
      out.push({ looks: 'encrypted', entropy: 7.99 });
    } else if (part.looks === 'empty') {
      out.push({ looks: 'empty', entropy: 0 });
    } else {
      out.push({ looks: 'text', entropy: Math.min(7.5, Math.max(0.2, part.entropy + noise - 0.5)) });
    }
  }
  return { from, to, size, cells: out };
}

export function bytes(source, at, length) {
  const end = Math.min(size, at + length);
  const data = Buffer.alloc(Math.max(0, end - at));
  for (let i = 0; i < data.length; ++i) {
    const offset = at + i;
    const inside = offset >= 0x3bc8000 && offset < 0x3bc8100;
    data[i] = inside || (offset >= 0x7800000 && offset < 0xb800000) ? (offset * 2654435761) >>> 13 : offset < 512 ? (offset * 7) & 0xff : 0;
  }
  const has = at < 0x3bc8100 && end > 0x3bc8000;
  const field = (offset, bytesOf, name, value, meaning) => ({ at: 0x3bc8000 + offset, length: bytesOf, name, value, meaning, spec: 'AOSP cryptfs.h' });
  return {
    source, at, length: data.length, size, place: at >= 0x3bc8000 && at < 0x5bc8000 ? `metadata+0x${(at - 0x3bc8000).toString(16)}` : `0x${at.toString(16)}`,
    base64: data.toString('base64'),
    extents: [{ at: 0x5000, length: 0x7b000, kind: 'hole' }, { at: 0x7900000, length: 1536, kind: 'unreadable' }].filter((each) => each.at < end && each.at + each.length > at),
    structure: has ? 'Android crypto footer 1.3' : null, structure_at: has ? 0x3bc8000 : null,
    fields: has ? [
      field(0, 4, 'magic', '0xd0b5b1c4', 'says that this is a footer'), field(4, 2, 'major_version', '1', ''), field(6, 2, 'minor_version', '3', ''),
      field(8, 4, 'ftr_size', '2416', 'bytes'), field(12, 4, 'flags', '0x0', 'nothing unusual'), field(36, 64, 'crypto_type_name', 'aes-cbc-essiv:sha256', 'the cipher of the data'),
    ] : [],
  };
}

const key = (text) => Buffer.from(text, 'utf8').toString('latin1').replace(/[^A-Za-z0-9\-._~/]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`);
const second = 1_000_000_000;

const odd = [
  ['<img src=x onerror=alert(1)>.jpg', 'image'], ['שלום עולם.txt', 'text'], ['مرحبا.jpg', 'image'], ['a b&c=d?e#f.txt', 'text'],
  [`${'very long name '.repeat(16)}.txt`, 'text'], ['contacts2.db', 'database'],
];

/** Entries of a folder of `items`; the first ones have names that trip pages. */
export function entriesOf(folder, items) {
  const base = folder === '/' ? '' : folder;
  const entry = (name, type, kind, bytesOf, mtime, more = {}) => ({
    key: `${base}/${key(name)}`, name, type, kind, size: bytesOf, mode: type === 'directory' ? 0o771 : 0o660, uid: 1023, gid: 1023, mtime, target: null,
    deleted: false, confidence: null, problem: null, ...more,
  });
  if (folder === '/') {
    return items === 0 ? [] : ['data', 'media', 'system'].map((name) => entry(name, 'directory', null, 4096, 1469282580 * second));
  }
  if (folder !== '/media') {
    return [];
  }
  const out = [];
  for (let i = 0; i < items; ++i) {
    const special = odd[i];
    if (special && items > 1) {
      out.push(entry(special[0], 'file', special[1], 1234 * (i + 1), i === 1 ? 0 : 2147483648 * second, i === 3 ? { problem: '2 sectors could not be read' } : {}));
    } else if (i === 7) {
      out.push({ ...entry('bad', 'file', null, 0, null), key: `${base}/bad-%FF%FE.bin`, name: 'bad-\ufffd\ufffd.bin' });
    } else if (i % 50 === 9) {
      out.push(entry(`Folder ${i}`, 'directory', null, 4096, (1469282580 + i * 60) * second));
    } else {
      out.push(entry(`IMG_${String(i).padStart(5, '0')}.jpg`, 'file', 'image', 900_000 + i * 37, (1469282580 + i * 60) * second));
    }
  }
  return out;
}

const shapes = [[4032, 3024], [3024, 4032], [1920, 1080], [1080, 1920], [9000, 2000], [null, null]];

export function gallery(items) {
  const out = [];
  for (let i = 0; i < items; ++i) {
    const [width, height] = shapes[i % shapes.length];
    const day = new Date(Date.UTC(2016, 6, 23) - Math.floor(i / 37) * 86400000).toISOString().slice(0, 10);
    const isVideo = i % 11 === 5;
    out.push({
      key: `/media/IMG_${String(i).padStart(5, '0')}.${isVideo ? 'mp4' : 'jpg'}`, name: i === 2 ? odd[0][0] : `IMG_${String(i).padStart(5, '0')}.${isVideo ? 'mp4' : 'jpg'}`,
      kind: isVideo ? 'video' : 'image', size: 1_500_000 + i, day, taken: Date.parse(day) / 1000 + 43200, width, height, lost_bytes: i % 29 === 4 ? 4096 : 0,
    });
  }
  return out;
}

export function daysOf(items) {
  const out = [];
  items.forEach((item, i) => {
    const last = out[out.length - 1];
    if (last && last.day === item.day) {
      ++last.count;
    } else {
      out.push({ day: item.day, first: i, count: 1 });
    }
  });
  return out;
}

const people = ['Ada Lovelace', 'שרה לוי', '山田 花子', 'José Müller; plumber, the one whose number my sister gave me in Porto 📞', '<b>not bold</b>'];

export function itemKinds(items) {
  const kind = (name, title, count, notes = [], problems = []) => ({ name, title, items: count, damaged: 0, has_table: count > 0, notes, problems });
  return [
    kind('contacts', 'Contacts', items), kind('messages', 'Messages', items, ['Times are as the phone stored them, in UTC.']), kind('calls', 'Calls', Math.min(items, 40), [], items > 1 ? ['calls, row 17: the row cannot be read'] : []),
    kind('whatsapp', 'WhatsApp', 0, ['/media/0/WhatsApp/Databases/msgstore.db.crypt14 is encrypted; its key is in /data/com.whatsapp/files/key']),
    kind('calendar', 'Calendar', Math.min(items, 3)), kind('wifi', 'Wi-Fi networks', 0), kind('phone', 'The phone itself', Math.min(items, 1)),
  ];
}

/** Rows of a kind: `[text, conversation, picture]` for each column. */
export function itemTable(kind, items, offset, limit, text) {
  const columns = kind === 'messages' ? ['With', 'Number or address', 'Messages', 'First', 'Last', 'Last text'] : ['Name', 'Phones', 'E-mails', 'Addresses', 'Organisation', 'More', 'Origin'];
  const row = (i) => {
    const name = people[i % people.length];
    return kind === 'messages'
      ? [[name, i, null], [`+44 20 7946 ${String(i).padStart(4, '0')}`, null, null], [String(i % 700), null, null], ['2016-01-02 03:04:05 UTC', null, null], ['2017-08-12 17:00:00 UTC', null, null], ['See you at the pier', null, null]]
      : [[name, null, i % 3 === 0 ? i : null], [`mobile: +44 20 7946 ${String(i).padStart(4, '0')}\nwork: +49 30 901820`, null, null], ['ada@example.org', null, null], ['', null, null], ['Example GmbH', null, null], ['note: met in Kyoto', null, null], [`/data/com.android.providers.contacts/databases/contacts2.db, raw_contacts, row ${i}`, null, null]];
  };
  const wanted = Array.from({ length: text ? items : 0 }, (_, i) => i).filter((i) => JSON.stringify(row(i)).toLowerCase().includes(text.toLowerCase()));
  const total = text ? wanted.length : items;
  const rows = Array.from({ length: Math.max(0, Math.min(limit, total - offset)) }, (_, i) => row(text ? wanted[offset + i] : offset + i));
  return { title: kind === 'messages' ? 'Messages' : 'Contacts', columns, notes: [], total, rows };
}

export function said(text, items) {
  const all = conversation(0, items).messages.filter((message) => message.text.toLowerCase().includes(text.toLowerCase()));
  return { total: all.length, messages: all.slice(0, 100).map(({ from, own, time, text: words }) => ({ conversation: 0, title: people[0], from, own, time, text: words })) };
}

export function conversation(number, items) {
  const texts = ['Are you coming tonight?', 'Yes, at eight. <script>alert(1)</script>', 'Grüße aus Berlin 🚀\nzweite Zeile', 'שלום, מה שלומך?', 'x'.repeat(300)];
  const messages = Array.from({ length: Math.min(items, 500) }, (_, i) => ({
    from: i % 2 === 0 ? people[(number + (i % 3)) % people.length] : '', own: i % 2 === 1, time: `2017-08-12 ${String(8 + (i % 12)).padStart(2, '0')}:00:00 UTC`, text: texts[i % texts.length], note: i % 7 === 3 ? 'could not be sent' : '',
    origin: `/data/com.android.providers.telephony/databases/mmssms.db, sms, row ${i + 1}`,
    attachments: i % 9 === 4 ? [{ name: 'sea.jpg', kind: 'image', key: '/media/IMG_00001.jpg', problem: null }, { name: 'voice.amr', kind: 'audio', key: null, problem: 'its file is not there' }] : [],
  }));
  return { kind: 'messages', title: people[number % people.length], people: '+442079460018, +4930901820', number: 1, count: items > 500 ? 3 : 1, previous: null, next: items > 500 ? number + 1 : null, messages };
}

/** A picture that costs nothing: two colours by its number. */
export function picture(name) {
  const hue = [...name].reduce((sum, c) => (sum * 31 + c.charCodeAt(0)) % 360, 7);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="400" height="300" viewBox="0 0 400 300"><rect width="400" height="300" fill="hsl(${hue} 40% 55%)"/><circle cx="280" cy="90" r="40" fill="hsl(${(hue + 60) % 360} 60% 75%)"/><path d="M0 300 120 150 220 240 300 180 400 260V300Z" fill="hsl(${hue} 40% 30%)"/></svg>`;
}

export const plan = {
  source: '/home/ann/phone.img', verdict: { code: 'needs-phone-key', text: 'the key is in the phone\'s chip: only this phone can open its data' },
  phone: { product: 'k50a', serial: null, unlocked: true, max_download: 134217728, known_from: [] },
  missing: [{ code: 'backup-lacks-rpmb', severity: 'note', text: 'RPMB is in no backup.', where: { source: null, offset: null, partition: null }, values: {} }],
  steps: [
    { partition: 'userdata', tool: 'fastboot', image: { path: '/home/ann/phone.img', start: 0x7800000, size: 64 * MiB, sha256: '5f'.repeat(32) }, target: { region: 'user', start: null, size: 64 * MiB }, why: 'it holds the photos, encrypted', bytes_a_second: 20000000, seconds: 4 },
    { partition: 'metadata', tool: 'fastboot', image: { path: '/home/ann/phone.img', start: 0x3bc8000, size: 0x2000000, sha256: 'a1'.repeat(32) }, target: { region: 'user', start: 0x3bc8000, size: null }, why: 'it holds the key, and goes last', bytes_a_second: 20000000, seconds: 2 },
  ],
  refused: [{ partition: 'nvram', reason: 'it holds the IMEI and calibration', source: 'MediaTek scatter files', can_be_asked_for: false }],
  conflicts: [{ code: 'max-download-unknown', severity: 'note', text: 'The phone did not say how much it takes at once.', where: { source: null, offset: null, partition: null }, values: {} }],
  notes: ['charge the phone to at least half', 'switch it off, hold volume down, plug the cable in', 'read the phone again afterwards'],
  bytes: 96 * MiB, seconds: 6, can_be_applied: true, hash: 'c0ffee'.repeat(10) + 'beef',
};
