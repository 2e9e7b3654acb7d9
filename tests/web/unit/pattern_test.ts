import assert from 'node:assert/strict';
import { test } from 'node:test';
import { between, direction, isLegal, patternText, withDot } from '@page/core/pattern';

const drawn = (dots: number[], side = 3) => dots.reduce<readonly number[]>((pattern, dot) => withDot(pattern, dot, side), []);

test('a dot that lies straight between two others is taken along', () => {
  assert.deepEqual(between(1, 3, 3), [2]);
  assert.deepEqual(between(1, 9, 3), [5]);
  assert.deepEqual(between(1, 6, 3), []);
  assert.deepEqual(between(1, 16, 4), [6, 11]);
  assert.deepEqual(between(1, 3, 4), [2]);
  assert.deepEqual(drawn([1, 3, 9]), [1, 2, 3, 6, 9]);
});

test('a dot that is part of the pattern can be jumped over', () => {
  assert.deepEqual(drawn([2, 1, 3]), [2, 1, 3]);
});

test('no dot is taken twice', () => {
  assert.deepEqual(drawn([1, 4, 1, 7]), [1, 4, 7]);
});

test('there are 389,112 patterns on 3x3, 1,624 of them of four dots', () => {
  const counts = new Map<number, number>();
  const walk = (pattern: readonly number[]) => {
    if (isLegal(pattern)) {
      counts.set(pattern.length, (counts.get(pattern.length) ?? 0) + 1);
    }
    for (let dot = 1; dot <= 9; ++dot) {
      const next = withDot(pattern, dot, 3);
      if (next.length === pattern.length + 1) {
        walk(next);
      }
    }
  };
  walk([]);
  assert.equal(counts.get(4), 1624);
  assert.equal([...counts.values()].reduce((sum, each) => sum + each, 0), 389112);
});

test('a pattern is written as a person types it', () => {
  assert.equal(patternText([1, 4, 7, 8]), '1-4-7-8');
  assert.equal(patternText([10, 16]), '10-16');
  assert.equal(direction(1, 4, 3), 'down');
  assert.equal(direction(9, 5, 3), 'up and left');
});
