import assert from 'node:assert/strict';
import { test } from 'node:test';
import { firstLine, justified, lineOf, ratioOf } from '@page/core/justified';
import { moved, offsetAt, shareOf, tidy, zoomed } from '@page/core/scale';
import { Rows, tallest, Thumb } from '@page/core/virtual';

const shape = { width: 1000, gap: 8, row: 160, heading: 48 };
const ratios = [4 / 3, 3 / 4, 16 / 9, 9 / 16, 3.5];

test('justified rows fill the width to the pixel, and nothing overlaps', () => {
  const layout = justified([{ first: 0, count: 200 }, { first: 200, count: 3 }], (i) => ratios[i % 5] ?? 1, shape);
  const seen = new Set<number>();
  let bottom = 0;
  for (const line of layout.lines) {
    assert.ok(line.top >= bottom);
    bottom = line.top + line.height;
    line.items.forEach((item, i) => {
      const before = line.items[i - 1];
      assert.equal(item.left, before ? before.left + before.width + shape.gap : 0);
      assert.ok(item.width > 0);
      seen.add(item.index);
    });
    const last = line.items[line.items.length - 1];
    if (last && last.index !== 199 && last.index !== 202) {
      assert.equal(last.left + last.width, shape.width);
      assert.ok(line.height <= shape.row + 1, `${line.height}`);
    }
  }
  assert.equal(seen.size, 203);
});

test('50,000 pictures are laid out in a moment, and the line at a place is found', () => {
  const begin = performance.now();
  const layout = justified(Array.from({ length: 500 }, (_, i) => ({ first: i * 100, count: 100 })), (i) => ratios[i % 5] ?? 1, shape);
  assert.ok(performance.now() - begin < 500);
  const line = firstLine(layout.lines, layout.height / 2);
  const at = layout.lines[line];
  assert.ok(at && at.top + at.height > layout.height / 2);
  assert.ok(line === 0 || (layout.lines[line - 1]?.top ?? 0) + (layout.lines[line - 1]?.height ?? 0) <= layout.height / 2);
  assert.equal(layout.lines[lineOf(layout.lines, 49_999)]?.items.at(-1)?.index, 49_999);
});

test('unknown and extreme shapes are drawn as something sensible', () => {
  assert.equal(ratioOf(null, null), 4 / 3);
  assert.equal(ratioOf(0, 100), 4 / 3);
  assert.equal(ratioOf(100_000, 10), 3.5);
  assert.equal(ratioOf(1, 1000), 0.4);
});

test('rows: the window shows the rows that are there, from the first to the last', () => {
  const rows = new Rows(50_000, 32, 600);
  assert.equal(rows.ground, 1_600_000);
  assert.equal(rows.rowAt(0), 0);
  assert.equal(rows.window(0).first, 0);
  assert.equal(rows.window(rows.ground - 600).end, 50_000);
  assert.equal(rows.window(3200).top + (100 - rows.window(3200).first) * 32, 3200);
});

test('rows: a list longer than a browser can bear reaches its last row', () => {
  const rows = new Rows(1_000_000_000, 32, 600);
  assert.equal(rows.ground, tallest);
  assert.equal(rows.window(tallest - 600).end, 1_000_000_000);
  const at = 123_456_789;
  assert.ok(Math.abs(rows.rowAt(rows.scrollFor(at)) - at) < 1);
  assert.equal(new Rows(3, 32, 600).rowAt(50), 0);
});

test('thumb: the ends of the bar are the ends of a terabyte', () => {
  const thumb = new Thumb(2 ** 40, 608, 600);
  assert.equal(thumb.size, 24);
  assert.equal(thumb.place(0), 0);
  assert.equal(thumb.place(2 ** 40 - 608), 576);
  assert.equal(thumb.at(576), 2 ** 40 - 608);
  assert.equal(thumb.at(-50), 0);
  assert.equal(new Thumb(100, 608, 600).size, 600);
});

test('map: zoom stays on sectors and inside, and goes down to one', () => {
  const total = 210239488;
  let range = { from: 0, to: total };
  for (let i = 0; i < 40; ++i) {
    range = zoomed(range, 0.25, total, 62685220);
    assert.equal(range.from % 512, 0);
    assert.ok(range.from >= 0 && range.to <= total && range.to > range.from);
  }
  assert.ok(range.to - range.from <= 1024);
  for (let i = 0; i < 40; ++i) {
    range = zoomed(range, 4, total);
  }
  assert.deepEqual(range, { from: 0, to: total });
  assert.deepEqual(tidy({ from: total + 5, to: total + 9 }, total), { from: total - 512, to: total });
  assert.equal(moved({ from: 0, to: 4096 }, -1, total).from, 0);
  assert.equal(offsetAt({ from: 100, to: 200 }, shareOf({ from: 100, to: 200 }, 150)), 150);
});
