// Places of a memory on a bar.

export interface Range {
  from: number;
  to: number;
}

export const smallestZoom = 512; // a sector

/** Share of the bar, 0 to 1, at which an offset lies. */
export function shareOf(range: Range, offset: number): number {
  return (offset - range.from) / Math.max(1, range.to - range.from);
}

export function offsetAt(range: Range, share: number): number {
  return Math.min(range.to, Math.max(range.from, Math.round(range.from + share * (range.to - range.from))));
}

/** A range that lies in [0, total), on sectors, and is no smaller than one. */
export function tidy(range: Range, total: number): Range {
  const from = Math.max(0, Math.floor(Math.min(range.from, range.to) / smallestZoom) * smallestZoom);
  const to = Math.min(total, Math.ceil(Math.max(range.from, range.to) / smallestZoom) * smallestZoom);
  const start = Math.min(from, Math.max(0, total - smallestZoom));
  return { from: start, to: Math.max(to, Math.min(total, start + smallestZoom)) };
}

/** In (below 1) or out (above 1), around `centre`. */
export function zoomed(range: Range, factor: number, total: number, centre = (range.from + range.to) / 2): Range {
  const length = Math.min(total, Math.max(smallestZoom, (range.to - range.from) * factor));
  const share = shareOf(range, centre);
  const from = Math.min(Math.max(0, centre - share * length), total - length);
  return tidy({ from, to: from + length }, total);
}

/** Sideways by a part of what is seen. */
export function moved(range: Range, part: number, total: number): Range {
  const length = range.to - range.from;
  const from = Math.min(Math.max(0, range.from + part * length), Math.max(0, total - length));
  return tidy({ from, to: from + length }, total);
}

/** How wide a partition is in the strip where the small ones can be read: by the logarithm of its size. */
export function logWeight(bytes: number | null): number {
  return bytes === null || bytes <= 0 ? 1 : Math.max(1, Math.log2(bytes / 4096 + 1));
}
