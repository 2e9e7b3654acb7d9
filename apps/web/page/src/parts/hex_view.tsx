// Bytes of one source, or of two side by side, at any offset up to the largest that a number holds exactly.
//
// The window is not scrolled: it is drawn anew from `at`.  So a terabyte costs what a kilobyte costs.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { asFacts } from '../api/client';
import type { ErrorFacts, Field, Source } from '../api/types';
import { hexByte, printable, rowAbove, rowsFrom, type ByteRow } from '../core/rows';
import { count, counted, hex } from '../core/text';
import { Thumb } from '../core/virtual';
import { Problem } from './basic';
import { BlockCache } from './block_cache';
import { useIsPhone, useSize } from './hooks';

const rowHeight = 20;
const mostBlocksAhead = 64; // 4 MiB of zeros are read to fold them

const none: readonly Field[] = [];

export interface Pane {
  source: Source;
  /** Added to an offset of the first pane to get the one of this pane. */
  shift: number;
}

function useCaches(panes: readonly Pane[]): { caches: BlockCache[]; error: ErrorFacts | undefined; round: number; clear: () => void } {
  const [state, setState] = useState<{ round: number; error?: ErrorFacts }>({ round: 0 });
  const key = panes.map((pane) => `${pane.source.id} ${pane.source.size}`).join();
  const caches = useMemo(() => panes.map((pane) => new BlockCache(pane.source.id, pane.source.size, (problem) =>
    setState((last) => ({ round: last.round + 1, ...(problem === undefined ? {} : { error: asFacts(problem) }) })))), [key]);
  return { caches, error: state.error, round: state.round, clear: () => setState((last) => ({ round: last.round + 1 })) };
}

function fieldAt(fields: readonly Field[], offset: number): number {
  return fields.findIndex((field) => offset >= field.at && offset < field.at + field.length);
}

function Cells({ cache, row, shift, perRow, selected, fields, field }: {
  cache: BlockCache; row: ByteRow; shift: number; perRow: number; selected: number; fields: readonly Field[]; field: Field | undefined;
}) {
  const cells = [];
  let text = '';
  for (let i = 0; i < perRow; ++i) {
    const offset = row.at + shift + i;
    const value = i < row.length && offset >= 0 && offset < cache.size ? cache.byte(offset) : undefined;
    const isInside = i < row.length && offset >= 0 && offset < cache.size;
    const kind = isInside ? cache.kindOf(offset) : undefined;
    const of = value === undefined ? -1 : fieldAt(fields, offset);
    const isThis = field !== undefined && shift === 0 && offset >= field.at && offset < field.at + field.length;
    const style = `${kind ? `b-${kind}` : ''}${of >= 0 ? ` f${of % 6}` : ''}${offset - shift === selected ? ' b-here' : ''}${isThis ? ' b-field' : ''}`;
    const shown = !isInside ? '  ' : kind === 'unreadable' ? '??' : value === undefined ? '··' : hexByte(value);
    cells.push(<span key={i} class={style.trim()}>{shown}</span>, i % 8 === 7 && i < perRow - 1 ? '  ' : ' ');
    text += !isInside ? ' ' : kind === 'unreadable' ? '?' : value === undefined ? '·' : printable(value);
  }
  return <span class="hex-pane"><span class="hex-bytes">{cells}</span><span class="hex-text">{text}</span></span>;
}

const widthOfTwo = 1120; // px, for two panes of 16 bytes beside each other
const narrowest = 640; // px, for two of 8; below they stand under each other

export function HexView({ panes, at, selected, fields, field, onMove }: {
  panes: readonly Pane[];
  /** Of the known structure, in the first pane. */
  fields: readonly Field[];
  at: number;
  selected: number;
  field: Field | undefined;
  onMove: (at: number) => void;
}) {
  const isPhone = useIsPhone();
  const [ref, box] = useSize<HTMLDivElement>();
  const { caches, error, round, clear } = useCaches(panes);
  const size = panes[0]?.source.size ?? 0;
  const isStacked = panes.length > 1 && box.width < narrowest;
  const perRow = isPhone || (panes.length > 1 && box.width < widthOfTwo) ? 8 : 16;
  const visible = Math.max(1, Math.floor(box.height / (isStacked ? 2 * rowHeight : rowHeight)));
  const start = Math.min(Math.floor(at / perRow) * perRow, Math.max(0, Math.floor((size - 1) / perRow) * perRow));
  const zerosUntil = (from: number) => {
    let at = from;
    for (;;) {
      // Zeros are what is zero in every pane.
      const next = Math.min(...caches.map((cache, i) => {
        const shift = panes[i]?.shift ?? 0;
        const offset = at + shift;
        return offset < 0 ? -shift : offset >= cache.size ? Number.POSITIVE_INFINITY : cache.zerosUntil(offset) - shift;
      }));
      if (caches.length === 1 || next <= at) {
        return Math.max(at, next);
      }
      at = next;
    }
  };
  const zerosFrom = (to: number) => Math.max(...caches.map((cache, i) => cache.zerosFrom(to + (panes[i]?.shift ?? 0)) - (panes[i]?.shift ?? 0)));
  const rows = rowsFrom(start, size, perRow, visible, zerosUntil);
  const budget = useRef({ start: -1, left: 0 });
  useEffect(() => {
    if (budget.current.start !== start) {
      budget.current = { start, left: mostBlocksAhead };
    }
    const need = (cache: BlockCache, offset: number) => {
      // A run of zeros is read on to find its end, so far and no further until someone scrolls there.
      if (budget.current.left > 0 && cache.need(offset)) {
        --budget.current.left;
      }
    };
    caches.forEach((cache, i) => {
      const shift = panes[i]?.shift ?? 0;
      for (const row of rows) {
        need(cache, row.at + shift);
        need(cache, row.at + row.length - 1 + shift);
      }
      need(cache, start + shift - 1);
    });
  }, [start, round, visible, perRow, caches]);

  const move = (steps: number) => {
    if (steps > 0) {
      const next = rows[Math.min(steps, rows.length - 1)];
      onMove(next && rows.length > 1 ? next.at : start);
    } else {
      onMove(rowAbove(start, -steps, perRow, zerosFrom));
    }
  };
  const latestMove = useRef(move);
  latestMove.current = move;
  const wheelRest = useRef(0);
  useEffect(() => {
    const element = ref.current;
    if (!element) {
      return;
    }
    const onWheel = (event: WheelEvent) => {
      if (event.ctrlKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
        return;
      }
      event.preventDefault();
      wheelRest.current += event.deltaMode === 1 ? event.deltaY * rowHeight : event.deltaY;
      const steps = Math.trunc(wheelRest.current / rowHeight);
      wheelRest.current -= steps * rowHeight;
      if (steps !== 0) {
        latestMove.current(steps);
      }
    };
    element.addEventListener('wheel', onWheel, { passive: false });
    return () => element.removeEventListener('wheel', onWheel);
  }, []);
  const touch = useRef<number | undefined>();
  const onPointerMove = (event: PointerEvent) => {
    if (event.pointerType !== 'touch' || touch.current === undefined) {
      return;
    }
    const steps = Math.trunc((touch.current - event.clientY) / rowHeight);
    if (steps !== 0) {
      touch.current -= steps * rowHeight;
      move(steps);
    }
  };
  const onKey = (event: KeyboardEvent) => {
    const page = Math.max(1, visible - 1);
    const last = Math.max(0, Math.floor((size - 1) / perRow) * perRow - (visible - 1) * perRow);
    switch (event.key) {
      case 'ArrowDown': move(1); break;
      case 'ArrowUp': move(-1); break;
      case 'PageDown': move(page); break;
      case 'PageUp': move(-page); break;
      case 'Home': onMove(0); break;
      case 'End': onMove(last); break;
      default: return;
    }
    event.preventDefault();
  };
  const digits = Math.max(8, size.toString(16).length);
  const shown = rows[rows.length - 1];
  return (
    <div class="hex-frame">
      {error && <Problem facts={error} onAgain={clear} />}
      <div class="hex-panes-head" aria-hidden="true">
        <span class="hex-offset">Offset</span>
        {panes.map((pane) => <span key={pane.source.id} class="hex-pane-name cut">{pane.source.name}</span>)}
      </div>
      <div class="hex-window" ref={ref} tabIndex={0} role="region" onKeyDown={onKey}
        aria-label={`Bytes of ${panes.map((pane) => pane.source.name).join(' and ')} from ${hex(start)} to ${hex(shown ? shown.at + shown.length : start)}`}
        onPointerDown={(event) => { touch.current = event.clientY; }} onPointerMove={onPointerMove}
        onPointerUp={() => { touch.current = undefined; }} onPointerCancel={() => { touch.current = undefined; }}>
        <div class="hex-rows">
          {rows.map((row) => (
            <div key={row.at}>
              <div class={isStacked ? 'hex-row hex-row-stacked' : panes.length > 1 ? 'hex-row hex-row-two' : 'hex-row'}>
                <span class="hex-offset" title={`${count(row.at)} bytes`}>{row.at.toString(16).padStart(digits, '0')}</span>
                {caches.map((cache, i) => (
                  <Cells key={i} cache={cache} row={row} shift={panes[i]?.shift ?? 0} perRow={perRow} selected={selected} fields={i === 0 ? fields : none} field={i === 0 ? field : undefined} />
                ))}
              </div>
              {row.folded > 0 && <div class="hex-row hex-fold">* <span class="faint">{counted(row.folded, 'row')} of zeros, {count(row.folded * perRow)} bytes</span></div>}
            </div>
          ))}
        </div>
      </div>
      <Bar size={size} at={start} shown={visible * perRow} track={box.height} onMove={(to) => onMove(Math.floor(to / perRow) * perRow)} />
    </div>
  );
}

/** The scroll bar: a place of it stands for a share of the source. */
function Bar({ size, at, shown, track, onMove }: { size: number; at: number; shown: number; track: number; onMove: (at: number) => void }) {
  const bar = useRef<HTMLDivElement>(null);
  const grip = useRef<number | undefined>();
  const thumb = new Thumb(size, shown, track);
  const placeOf = (event: PointerEvent) => event.clientY - (bar.current?.getBoundingClientRect().top ?? 0);
  const begin = (event: PointerEvent) => {
    event.preventDefault();
    bar.current?.setPointerCapture(event.pointerId);
    const place = placeOf(event);
    const now = thumb.place(at);
    grip.current = place >= now && place <= now + thumb.size ? place - now : thumb.size / 2;
    onMove(thumb.at(place - grip.current));
  };
  const drag = (event: PointerEvent) => {
    if (grip.current !== undefined) {
      onMove(thumb.at(placeOf(event) - grip.current));
    }
  };
  return (
    <div ref={bar} class="hex-bar" aria-hidden="true" onPointerDown={begin} onPointerMove={drag}
      onPointerUp={() => { grip.current = undefined; }} onPointerCancel={() => { grip.current = undefined; }}>
      <div class="hex-thumb" style={{ height: `${thumb.size}px`, transform: `translateY(${thumb.place(at)}px)` }} />
    </div>
  );
}
