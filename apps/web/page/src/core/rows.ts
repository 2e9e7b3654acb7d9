// Rows of bytes: where they begin, and which are folded because they are zeros like the one before.

export interface ByteRow {
  at: number; // the row's first byte, in the source
  length: number; // bytes of it that are in the source
  folded: number; // rows of zeros that stand behind it and are not shown
}

/** Where the zeros that stand at `at` end, as far as is known; `at` itself where there are none. */
export type ZerosUntil = (at: number) => number;
/** Where the zeros that end at `at` begin, as far as is known; `at` itself where there are none. */
export type ZerosFrom = (at: number) => number;

/**
 * `wanted` lines from `start` on, a fold counting as one.  The first and the last row of a run of zeros are shown, what
 * is between them is folded.  The runs of terabytes cost what short ones cost: no row of them is looked at.
 */
export function rowsFrom(start: number, end: number, perRow: number, wanted: number, zerosUntil: ZerosUntil): ByteRow[] {
  const out: ByteRow[] = [];
  let at = start;
  for (let lines = 0; at < end && lines < wanted; ++lines) {
    const row: ByteRow = { at, length: Math.min(perRow, end - at), folded: 0 };
    out.push(row);
    at += perRow;
    const rows = Math.floor((Math.min(end, zerosUntil(row.at)) - row.at) / perRow);
    if (rows > 3) {
      row.folded = rows - 2;
      at += row.folded * perRow;
      ++lines;
    }
  }
  return out;
}

/** Where the view begins when it goes up by `steps` lines: over a fold it goes to the first row of the zeros. */
export function rowAbove(start: number, steps: number, perRow: number, zerosFrom: ZerosFrom): number {
  let at = start;
  for (let i = 0; i < steps && at > 0; ++i) {
    const above = Math.max(0, at - perRow);
    const run = Math.ceil(zerosFrom(at) / perRow) * perRow;
    // Up to the last row of zeros first; from there over the fold.
    at = (above - run) / perRow > 2 && i > 0 ? run : above;
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
