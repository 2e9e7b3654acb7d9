// Blocks of a source that were fetched, a bounded number of them, by place.
import { get } from '../api/client';
import type { Bytes, Extent, Field } from '../api/types';

export const blockBytes = 65_536;
const mostBlocks = 128;

export interface Block {
  at: number;
  data: Uint8Array;
  extents: readonly Extent[];
  fields: readonly Field[];
  structure: string | null;
  place: string;
  isZero: boolean;
}

function decode(base64: string): Uint8Array {
  const text = atob(base64);
  const out = new Uint8Array(text.length);
  for (let i = 0; i < text.length; ++i) {
    out[i] = text.charCodeAt(i);
  }
  return out;
}

/** Of one source.  `onCome` is called when a block has come or has failed. */
export class BlockCache {
  readonly source: string;
  readonly size: number;
  readonly #blocks = new Map<number, Block | 'asked'>();
  readonly #onCome: (problem?: unknown) => void;

  constructor(source: string, size: number, onCome: (problem?: unknown) => void) {
    this.source = source;
    this.size = size;
    this.#onCome = onCome;
  }
  /** The block with that byte, where it is here. */
  at(offset: number): Block | undefined {
    const found = this.#blocks.get(Math.floor(offset / blockBytes));
    return found === 'asked' ? undefined : found;
  }
  need(offset: number): void {
    const index = Math.floor(offset / blockBytes);
    if (offset < 0 || offset >= this.size || this.#blocks.has(index)) {
      return;
    }
    this.#blocks.set(index, 'asked');
    get<Bytes>('/bytes', { source: this.source, at: index * blockBytes, length: blockBytes }).then(
      (answer) => {
        const data = decode(answer.base64);
        this.#blocks.delete(index);
        this.#blocks.set(index, {
          at: answer.at, data, extents: answer.extents, fields: answer.fields, structure: answer.structure ?? null,
          place: answer.place, isZero: data.every((byte) => byte === 0),
        });
        for (const oldest of this.#blocks.keys()) {
          if (this.#blocks.size <= mostBlocks) {
            break;
          }
          this.#blocks.delete(oldest);
        }
        this.#onCome();
      },
      (problem: unknown) => {
        this.#blocks.delete(index);
        this.#onCome(problem);
      },
    );
  }
  byte(offset: number): number | undefined {
    const block = this.at(offset);
    return block?.data[offset - block.at];
  }
  /** What a byte is where it is not plain data. */
  kindOf(offset: number): 'hole' | 'unreadable' | undefined {
    return this.at(offset)?.extents.find((each) => offset >= each.at && offset < each.at + each.length)?.kind;
  }
  /** Known, zero, and readable; rows with a field are never folded away. */
  isZero(from: number, to: number): boolean {
    for (let at = from; at < Math.min(to, this.size);) {
      const block = this.at(at);
      if (!block) {
        return false;
      }
      const end = Math.min(to, block.at + block.data.length);
      if (end <= at) {
        return false;
      }
      if (!block.isZero || block.fields.length > 0) {
        for (let i = at - block.at; i < end - block.at; ++i) {
          if (block.data[i] !== 0) {
            return false;
          }
        }
        if (block.fields.some((field) => field.at < end && field.at + field.length > at)) {
          return false;
        }
      }
      if (block.extents.some((each) => each.kind === 'unreadable' && each.at < end && each.at + each.length > at)) {
        return false;
      }
      at = end;
    }
    return true;
  }
}
