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
  #holes: Extent[] = [];
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
  /** Asks for the block with that byte; whether it had to be asked for. */
  need(offset: number): boolean {
    const index = Math.floor(offset / blockBytes);
    if (offset < 0 || offset >= this.size || this.#blocks.has(index)) {
      return false;
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
        this.#keepHoles(answer.extents);
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
    return true;
  }
  /** Holes next to each other become one, so that a long one is one step. */
  #keepHoles(extents: readonly Extent[]): void {
    const all = [...this.#holes, ...extents.filter((each) => each.kind === 'hole')].sort((a, b) => a.at - b.at);
    const out: Extent[] = [];
    for (const each of all) {
      const last = out[out.length - 1];
      if (last && each.at <= last.at + last.length) {
        last.length = Math.max(last.length, each.at + each.length - last.at);
      } else {
        out.push({ ...each });
      }
    }
    this.#holes = out;
  }
  byte(offset: number): number | undefined {
    const block = this.at(offset);
    return block?.data[offset - block.at];
  }
  /** What a byte is where it is not plain data. */
  kindOf(offset: number): 'hole' | 'unreadable' | undefined {
    return this.at(offset)?.extents.find((each) => offset >= each.at && offset < each.at + each.length)?.kind;
  }
  /** The hole around that byte, as far as the server told. */
  #holeAt(offset: number): Extent | undefined {
    return this.#holes.find((each) => offset >= each.at && offset < each.at + each.length);
  }
  /** The first byte from `from` on, below `to`, that may not be folded away: not zero, unreadable, or with a field. */
  #something(block: Block, from: number, to: number): number {
    let end = to;
    for (const each of [...block.fields, ...block.extents.filter((extent) => extent.kind === 'unreadable')]) {
      if (each.at < end && each.at + each.length > from) {
        end = Math.max(from, each.at);
      }
    }
    if (!block.isZero) {
      for (let i = from - block.at; i < end - block.at; ++i) {
        if (block.data[i] !== 0) {
          return block.at + i;
        }
      }
    }
    return end;
  }
  zerosUntil(from: number): number {
    let at = from;
    while (at < this.size) {
      const hole = this.#holeAt(at);
      const block = this.at(at);
      if (hole && !(block && block.fields.length > 0)) {
        at = hole.at + hole.length;
        continue;
      }
      if (!block) {
        break;
      }
      const end = block.at + block.data.length;
      const found = this.#something(block, at, end);
      at = found;
      if (found < end) {
        break;
      }
    }
    return Math.min(at, this.size);
  }
  zerosFrom(to: number): number {
    let at = to;
    while (at > 0) {
      const hole = this.#holeAt(at - 1);
      const block = this.at(at - 1);
      if (hole && !(block && block.fields.length > 0)) {
        at = hole.at;
        continue;
      }
      if (!block) {
        break;
      }
      if (block.isZero && this.#something(block, block.at, at) === at) {
        at = block.at;
        continue;
      }
      while (at > block.at && this.#something(block, at - 1, at) === at) {
        --at;
      }
      break;
    }
    return at;
  }
}
