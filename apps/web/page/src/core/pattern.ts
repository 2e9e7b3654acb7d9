// Unlock patterns: dots counted row by row from 1, as docs/formats/pattern.md has them.

export const fewestDots = 4;

/** Row and column of a dot, from 0. */
export function placeOf(dot: number, side: number): { row: number; column: number } {
  return { row: Math.floor((dot - 1) / side), column: (dot - 1) % side };
}

function common(a: number, b: number): number {
  return b === 0 ? a : common(b, a % b);
}

/** The dots that lie straight between two others, in order. */
export function between(from: number, to: number, side: number): number[] {
  const a = placeOf(from, side);
  const b = placeOf(to, side);
  const rows = b.row - a.row;
  const columns = b.column - a.column;
  const steps = common(Math.abs(rows), Math.abs(columns));
  const out: number[] = [];
  for (let i = 1; i < steps; ++i) {
    out.push((a.row + (rows / steps) * i) * side + a.column + (columns / steps) * i + 1);
  }
  return out;
}

/** The pattern with one dot more, as a phone draws it: dots that lie between are taken along, no dot is taken twice. */
export function withDot(dots: readonly number[], dot: number, side: number): readonly number[] {
  const last = dots[dots.length - 1];
  if (dots.includes(dot)) {
    return dots;
  }
  if (last === undefined) {
    return [dot];
  }
  return [...dots, ...between(last, dot, side).filter((each) => !dots.includes(each)), dot];
}

/** 1-4-7-8 */
export function patternText(dots: readonly number[]): string {
  return dots.join('-');
}

export function isLegal(dots: readonly number[]): boolean {
  return dots.length >= fewestDots;
}

/** Which way a line goes, for people who do not see it. */
export function direction(from: number, to: number, side: number): string {
  const a = placeOf(from, side);
  const b = placeOf(to, side);
  const down = b.row > a.row ? 'down' : b.row < a.row ? 'up' : '';
  const right = b.column > a.column ? 'right' : b.column < a.column ? 'left' : '';
  return [down, right].filter((each) => each !== '').join(' and ');
}
