import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as text from '@page/core/text';

test('sizes keep three digits that matter', () => {
  assert.equal(text.size(0), '0 bytes');
  assert.equal(text.size(1), '1 byte');
  assert.equal(text.size(1023), '1,023 bytes');
  assert.equal(text.size(1024), '1 KiB');
  assert.equal(text.size(1536), '1.5 KiB');
  assert.equal(text.size(210239488), '201 MiB');
  assert.equal(text.size(274877906944), '256 GiB');
  assert.equal(text.exactSize(67108864), '64 MiB (67,108,864 bytes)');
});

test('offsets are said in both notations, as far as numbers are exact', () => {
  assert.equal(text.bothNotations(62685220), '0x3bc8024 (62,685,220)');
  assert.equal(text.hex(2 ** 53 - 1), '0x1fffffffffffff');
  assert.equal(text.hex(0), '0x0');
});

test('times are what a person plans by', () => {
  const cases: [number, string][] = [
    [0, 'at once'], [1.9, 'at once'], [5, 'about 5 seconds'], [44, 'about 45 seconds'], [124, 'about 2 minutes'], [4825, 'about 80 minutes'],
    [12400, 'about 3 hours'], [9 * 3600, 'overnight, 9 hours'], [62 * 3600, '62 hours'], [14 * 86400, 'about 14 days'], [200 * 86400, 'about 7 months'],
    [5 * 365.25 * 86400, 'about 5 years'], [5.4e10, 'longer than a lifetime'],
  ];
  for (const [seconds, words] of cases) {
    assert.equal(text.duration(seconds), words);
  }
  assert.equal(text.duration(Number.NaN), 'unknown');
  assert.equal(text.duration(-1), 'unknown');
});

test('what is said is within a third of what is so, and never becomes shorter when it grows', () => {
  const unit: Record<string, number> = { second: 1, minute: 60, hour: 3600, day: 86400, month: 30.44 * 86400, year: 365.25 * 86400 };
  let last = 0;
  for (let seconds = 2; seconds < 60 * 365 * 86400; seconds *= 1.03) {
    const found = /(\d+) (second|minute|hour|day|month|year)s?$/.exec(text.duration(seconds));
    assert.ok(found, text.duration(seconds));
    const said = Number(found[1]) * (unit[found[2] ?? ''] ?? 0);
    assert.ok(said > seconds * 0.66 && said < seconds * 1.34, `${seconds}: ${text.duration(seconds)}`);
    assert.ok(said >= last * 0.95, `${seconds}: ${text.duration(seconds)}`);
    last = said;
  }
});

test('moments of 1970, 2038, before both, and beyond every calendar', () => {
  assert.equal(text.moment(0), '1970-01-01 00:00');
  assert.equal(text.moment(2147483648 * 1e9), '2038-01-19 03:14');
  assert.equal(text.moment(-1e9), '1969-12-31 23:59');
  assert.equal(text.moment(null), 'unknown');
  assert.equal(text.momentOf(1e20), 'no real date');
});

test('progress counts what it says it counts', () => {
  assert.equal(text.doneOf(1234, 10000, 'candidates'), '1,234 of 10,000 candidates');
  assert.equal(text.doneOf(1024, null, 'bytes'), '1 KiB');
  assert.equal(text.rate(80.6, 'candidates'), '81 candidates a second');
  assert.equal(text.rate(0.42, 'candidates'), '0.42 candidates a second');
  assert.equal(text.clock(3607), '1:00:07');
  assert.equal(text.modeText(0o755, 'directory'), 'drwxr-xr-x');
});
