// Justified rows: pictures of one row share a height, keep their shape, and fill the width.

export interface Placed {
  index: number;
  left: number;
  width: number;
}
export interface Line {
  top: number;
  height: number;
  /** A heading, and no pictures, where it is a day's. */
  day?: number;
  items: readonly Placed[];
}
export interface Layout {
  lines: readonly Line[];
  height: number;
}
export interface DayRange {
  first: number;
  count: number;
}
export interface Shape {
  width: number;
  gap: number;
  row: number; // the height that rows should have
  heading: number;
}

const narrowest = 0.4; // a shape beyond these is cut to them: a panorama must not become a hair
const widest = 3.5;

export function ratioOf(width: number | null | undefined, height: number | null | undefined): number {
  const ratio = width && height ? width / height : 4 / 3;
  return Math.min(widest, Math.max(narrowest, ratio));
}

/** One row after the other; the last of a day keeps the wished height and does not fill the width. */
function addRows(out: Line[], top: number, range: DayRange, ratio: (index: number) => number, shape: Shape): number {
  let at = top;
  let row: { index: number; ratio: number }[] = [];
  let sum = 0;
  const close = (isLast: boolean) => {
    if (row.length === 0) {
      return;
    }
    const room = shape.width - shape.gap * (row.length - 1);
    const fitting = room / sum;
    const height = Math.round(isLast ? Math.min(shape.row, fitting) : fitting);
    let left = 0;
    const items = row.map((each, i) => {
      const isEnd = i === row.length - 1 && !isLast;
      const width = isEnd ? shape.width - left : Math.round(each.ratio * height);
      const placed = { index: each.index, left, width };
      left += width + shape.gap;
      return placed;
    });
    out.push({ top: at, height, items });
    at += height + shape.gap;
    row = [];
    sum = 0;
  };
  for (let index = range.first; index < range.first + range.count; ++index) {
    const one = ratio(index);
    row.push({ index, ratio: one });
    sum += one;
    if (sum * shape.row + shape.gap * (row.length - 1) >= shape.width) {
      close(false);
    }
  }
  close(true);
  return at;
}

export function justified(days: readonly DayRange[], ratio: (index: number) => number, shape: Shape): Layout {
  const lines: Line[] = [];
  let at = 0;
  if (shape.width > 0) {
    days.forEach((range, day) => {
      lines.push({ top: at, height: shape.heading, day, items: [] });
      at = addRows(lines, at + shape.heading, range, ratio, shape);
    });
  }
  return { lines, height: at };
}

/** The first line that ends below `top`: by halving. */
export function firstLine(lines: readonly Line[], top: number): number {
  let low = 0;
  let high = lines.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const line = lines[middle];
    if (line && line.top + line.height <= top) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

/** The line with that picture. */
export function lineOf(lines: readonly Line[], index: number): number {
  return lines.findIndex((line) => line.items.some((item) => item.index === index));
}
