// Long lists in a window: which rows to draw, and a scroll bar that a browser can bear.
//
// Browsers cut elements at about 33 million pixels (Firefox at 17).  A list that is longer than `tallest` is drawn on a
// shorter ground: a place of the scroll bar stands for a row by proportion, and wheel and keys move by whole rows.

export const tallest = 8_000_000;

export interface Window {
  first: number; // row
  end: number; // row behind the last one
  top: number; // of the first row, in pixels from the start of the ground
}

export class Rows {
  readonly count: number;
  readonly height: number;
  readonly view: number;
  readonly ground: number;

  /** `height` of a row and `view` of the window, in pixels. */
  constructor(count: number, height: number, view: number) {
    this.count = count;
    this.height = height;
    this.view = view;
    this.ground = Math.min(count * height, tallest);
  }
  /** The row, with its fraction, at the top of the window. */
  rowAt(scrollTop: number): number {
    const room = this.ground - this.view;
    if (room <= 0) {
      return 0;
    }
    const last = Math.max(0, this.count - this.view / this.height);
    return Math.min(1, Math.max(0, scrollTop / room)) * last;
  }
  /** Where to scroll so that `row` is at the top, as far as that can be. */
  scrollFor(row: number): number {
    const last = Math.max(0, this.count - this.view / this.height);
    const room = Math.max(0, this.ground - this.view);
    return last === 0 ? 0 : Math.min(room, (row / last) * room);
  }
  window(scrollTop: number, spare = 4): Window {
    const at = this.rowAt(scrollTop);
    const shown = Math.ceil(this.view / this.height) + 1;
    const first = Math.max(0, Math.floor(at) - spare);
    const end = Math.min(this.count, Math.floor(at) + shown + spare);
    return { first, end, top: scrollTop - (at - first) * this.height };
  }
}

/** A scroll bar of our own, for sources of terabytes: where the thumb is, and what a place of it means. */
export class Thumb {
  readonly total: number;
  readonly shown: number;
  readonly track: number;
  readonly size: number;

  constructor(total: number, shown: number, track: number, smallest = 24) {
    this.total = total;
    this.shown = shown;
    this.track = track;
    this.size = total <= shown ? track : Math.min(track, Math.max(smallest, (shown / total) * track));
  }
  place(at: number): number {
    const last = this.total - this.shown;
    return last <= 0 ? 0 : Math.min(1, Math.max(0, at / last)) * (this.track - this.size);
  }
  at(place: number): number {
    const room = this.track - this.size;
    return room <= 0 ? 0 : Math.min(1, Math.max(0, place / room)) * Math.max(0, this.total - this.shown);
  }
}
