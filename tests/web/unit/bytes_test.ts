import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nameOf, parentOf, readable, trail } from '@page/core/keys';
import { keyParameter, numberParameter, parameter, rawParameter } from '@page/core/query';
import { hexDigits, rowAbove, rowsFrom, tidyOffset } from '@page/core/rows';

const nothing = (at: number) => at;

test('rows: without zeros every row is shown, the last one as long as it is', () => {
  const rows = rowsFrom(0, 40, 16, 10, nothing);
  assert.deepEqual(rows, [{ at: 0, length: 16, folded: 0 }, { at: 16, length: 16, folded: 0 }, { at: 32, length: 8, folded: 0 }]);
});

test('rows: a terabyte of zeros is one fold, between its first and its last row', () => {
  const end = 2 ** 40;
  const rows = rowsFrom(0, end + 32, 16, 10, (at) => Math.max(at, at < end ? end : at));
  assert.deepEqual(rows.map((row) => row.at), [0, end - 16, end, end + 16]);
  assert.equal(rows[0]?.folded, end / 16 - 2);
});

test('rows: few zeros are not worth a fold, and folds count as lines', () => {
  assert.equal(rowsFrom(0, 320, 16, 20, (at) => Math.max(at, at < 48 ? 48 : at)).length, 20);
  assert.equal(rowsFrom(0, 3200, 16, 3, (at) => Math.max(at, at < 1600 ? 1600 : at)).length, 2);
});

test('rows: going up goes over a fold, and ends at the start', () => {
  const zerosFrom = (at: number) => (at > 16 && at <= 1600 ? 16 : at);
  assert.equal(rowAbove(1600, 1, 16, zerosFrom), 1584);
  assert.equal(rowAbove(1600, 2, 16, zerosFrom), 16);
  assert.equal(rowAbove(1600, 3, 16, zerosFrom), 0);
  assert.equal(rowAbove(0, 5, 16, zerosFrom), 0);
});

test('offsets and bytes are taken as people type them', () => {
  assert.equal(tidyOffset(' 62,685,220 '), '62685220');
  assert.equal(tidyOffset('metadata+0x24'), 'metadata+0x24');
  assert.equal(hexDigits('C4 b1:b5,D0'), 'c4b1b5d0');
  assert.equal(hexDigits('0xc4 0xb1'), 'c4b1');
  assert.equal(hexDigits('abc'), undefined);
  assert.equal(hexDigits('zz'), undefined);
});

test('keys: the root is its own parent, names that are no text can be read', () => {
  assert.equal(parentOf('/'), '/');
  assert.equal(parentOf('/media'), '/');
  assert.equal(parentOf('/media/0/DCIM'), '/media/0');
  assert.equal(nameOf('/media/%D7%A9'), 'ש');
  assert.equal(readable('bad-%FF.bin'), 'bad-\ufffd.bin');
  assert.deepEqual(trail('/a/b%20c').map((each) => each.key), ['/', '/a', '/a/b%20c']);
});

test('addresses: a key stands as it is, and nothing else gets in with it', () => {
  assert.equal(keyParameter('path=/a%2Fb%FF&deleted=1'), '/a%2Fb%FF');
  assert.equal(keyParameter('path=<img>'), '/');
  assert.equal(keyParameter(''), '/');
  assert.equal(rawParameter('a=1&path=/x', 'path'), '/x');
  assert.equal(parameter('text=a%26b+c', 'text'), 'a&b c');
  assert.equal(parameter('text=%E0%A4', 'text'), undefined);
  assert.equal(numberParameter('at=62685220', 'at'), 62685220);
  assert.equal(numberParameter('at=-1', 'at'), undefined);
  assert.equal(numberParameter('at=9999999999999999', 'at'), undefined);
});
