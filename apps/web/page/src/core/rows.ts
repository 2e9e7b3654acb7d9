// Rows of bytes: where they begin, and which are folded because they are zeros like the one before.

export interface ByteRow {
  at: number; // the row's first byte, in the source
  length: number; // bytes of it that are in the source
  folded: number; // rows of zeros that stand behind it and are not shown
}

/** Whether all bytes in [from, to) are zero; what is not known counts as something. */
export type IsZero = (from: number, to: number) => boolean;

/**
 * `wanted` rows from `start` on, none at or behind `end`.  The first and the last row of a run of zeros are shown, what
 * is between them is folded.  A run is folded as far as `known`: behind it nothing has been read yet.
 */
export function rowsFrom(start: number, end: number, known: number, perRow: number, wanted: number, isZero: IsZero): ByteRow[] {
  const out: ByteRow[] = [];
  let at = start;
  while (at < end && out.length < wanted) {
    const row: ByteRow = { at, length: Math.min(perRow, end - at), folded: 0 };
    out.push(row);
    at += perRow;
    if (row.length < perRow || !isZero(row.at, row.at + perRow)) {
      continue;
    }
    let next = at;
    while (next + perRow < Math.min(end, known) && isZero(next, next + perRow) && isZero(next + perRow, Math.min(end, next + 2 * perRow))) {
      next += perRow;
    }
    row.folded = (next - at) / perRow;
    at = next;
  }
  return out;
}

/** Where the view begins when it goes up by `steps` rows; folded zeros count as one step, as they are drawn. */
export function rowAbove(start: number, steps: number, known: number, perRow: number, isZero: IsZero): number {
  let at = start;
  for (let i = 0; i < steps && at > 0; ++i) {
    at = Math.max(0, at - perRow);
    if (!isZero(at, at + perRow) || !isZero(at + perRow, at + 2 * perRow)) {
      continue;
    }
    while (at - perRow >= known && isZero(at - perRow, at)) {
      at -= perRow;
    }
  }
  return at;
}

/** Printable ASCII, a dot for the rest. */
export function printable(byte: number): string {
  return byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.';
}

export function hexByte(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}

/** What a person types, made ready for the server: thousands separators are not part of a number. */
export function tidyOffset(text: string): string {
  const trimmed = text.trim();
  return /^[\d,'_ ]+$/.test(trimmed) ? trimmed.replace(/[,'_ ]/g, '') : trimmed;
}

/** "12 34 ab" or "1234ab" as bytes to search for; undefined where it is none. */
export function hexDigits(text: string): string | undefined {
  const digits = text.replace(/[\s:,]|0x/gi, '');
  return digits.length > 0 && digits.length % 2 === 0 && /^[0-9a-f]+$/i.test(digits) ? digits.toLowerCase() : undefined;
}
