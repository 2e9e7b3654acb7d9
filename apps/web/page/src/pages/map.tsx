// Map: the whole memory to scale, a strip in which the small parts can be read, and a zoom down to a sector.
import { useEffect, useRef, useState } from 'preact/hooks';
import { get } from '../api/client';
import type { Content, Finding, Partition, Report } from '../api/types';
import { go, numberParameter, useAddress } from '../core/router';
import { logWeight, moved, offsetAt, shareOf, smallestZoom, tidy, zoomed, type Range } from '../core/scale';
import { bothNotations, exactSize, hex, size } from '../core/text';
import { Link, Problem, Skeleton } from '../parts/basic';
import { ContentTrack, Legend } from '../parts/content_track';
import { useLoad, useSize, useTitle } from '../parts/hooks';
import { roleClass, useReport } from '../parts/report';

const cells = 600;

interface Placed {
  partition: Partition;
  start: number;
  end: number;
}

function placedOf(report: Report): Placed[] {
  return report.partitions
    .filter((each) => each.region === 'user' && each.start !== null && each.size !== null)
    .map((partition) => ({ partition, start: partition.start ?? 0, end: (partition.start ?? 0) + (partition.size ?? 0) }))
    .sort((a, b) => a.start - b.start);
}

function mapLink(range: Range): string {
  return `/map?from=${range.from}&to=${range.to}`;
}
function hexLink(at: number): string {
  return `/hex?at=${at}`;
}

function factsLine(partition: Partition): string {
  return `${partition.name}, ${partition.role}, starts at ${partition.start === null ? 'an unknown place' : bothNotations(partition.start)}, ${partition.size === null ? 'size unknown' : exactSize(partition.size)}`;
}

/** Flags above a bar: what was noticed, where it is. */
function Flags({ findings, range }: { findings: readonly Finding[]; range: Range }) {
  return (
    <div class="flags">
      {findings.map((finding, i) => {
        const at = finding.where.offset;
        if (at === null || at < range.from || at >= range.to) {
          return null;
        }
        return (
          <Link key={i} to={`/verdict?finding=${i}`} class={`flag flag-${finding.severity}`} title={finding.text}
            aria-label={`${finding.severity}: ${finding.text}`} style={{ left: `${shareOf(range, at) * 100}%` }}>
            <span aria-hidden="true">{finding.severity === 'note' ? 'i' : '!'}</span>
          </Link>
        );
      })}
    </div>
  );
}

/** Parts to scale; for the hand.  The strip below is for the keyboard. */
function Bar({ placed, range, onLook }: { placed: readonly Placed[]; range: Range; onLook: (partition: Partition) => void }) {
  return (
    <div class="map-bar">
      {placed.filter((each) => each.end > range.from && each.start < range.to).map((each, i) => {
        const left = Math.max(0, shareOf(range, each.start));
        const right = Math.min(1, shareOf(range, each.end));
        return (
          <div key={i} class={`map-part r-${roleClass(each.partition.role)}`} title={factsLine(each.partition)}
            style={{ left: `${left * 100}%`, width: `${(right - left) * 100}%` }} onPointerEnter={() => onLook(each.partition)}>
            {right - left > 0.06 && <span class="map-label"><bdi>{each.partition.name}</bdi></span>}
          </div>
        );
      })}
    </div>
  );
}

/** A place that is dragged over is zoomed to; a click goes to the bytes there. */
function Brush({ range, children, label, onZoom, window: shown }: {
  range: Range;
  children: preact.ComponentChildren;
  label: string;
  onZoom: (range: Range) => void;
  window?: Range;
}) {
  const box = useRef<HTMLDivElement>(null);
  const [drag, setDrag] = useState<{ from: number; to: number } | undefined>();
  const share = (event: PointerEvent) => {
    const place = box.current?.getBoundingClientRect();
    return place ? Math.min(1, Math.max(0, (event.clientX - place.left) / place.width)) : 0;
  };
  const end = (event: PointerEvent) => {
    if (!drag) {
      return;
    }
    const width = box.current?.clientWidth ?? 1;
    const to = share(event);
    setDrag(undefined);
    if (Math.abs(to - drag.from) * width < 4) {
      go(hexLink(Math.floor(offsetAt(range, to) / 16) * 16));
    } else {
      onZoom({ from: offsetAt(range, Math.min(drag.from, to)), to: offsetAt(range, Math.max(drag.from, to)) });
    }
  };
  const low = drag ? Math.min(drag.from, drag.to) : 0;
  const isPart = shown && (shown.from > range.from || shown.to < range.to);
  return (
    <div ref={box} class="brush" role="group" aria-label={label}
      onPointerDown={(event) => {
        if (event.button === 0 && !(event.target instanceof Element && event.target.closest('a'))) {
          box.current?.setPointerCapture(event.pointerId);
          setDrag({ from: share(event), to: share(event) });
        }
      }}
      onPointerMove={(event) => { if (drag) { setDrag({ ...drag, to: share(event) }); } }}
      onPointerUp={end} onPointerCancel={() => setDrag(undefined)}>
      {children}
      {isPart && <div class="brush-window" style={{ left: `${shareOf(range, shown.from) * 100}%`, width: `max(3px, ${(shareOf(range, shown.to) - shareOf(range, shown.from)) * 100}%)` }} />}
      {drag && <div class="brush-drag" style={{ left: `${low * 100}%`, width: `${Math.abs(drag.to - drag.from) * 100}%` }} />}
    </div>
  );
}

const narrowestPart = 80;

/** As many rows as it takes for the smallest part to be read, of about as many parts each. */
function inRows(partitions: readonly Partition[], width: number): { first: number; partitions: readonly Partition[] }[] {
  const fitting = Math.max(1, Math.floor(width / narrowestPart));
  const rows = Math.max(1, Math.ceil(partitions.length / fitting));
  const each = Math.ceil(partitions.length / rows);
  return Array.from({ length: rows }, (_, i) => ({ first: i * each, partitions: partitions.slice(i * each, (i + 1) * each) }));
}

/** All partitions, wide enough to be read; arrows move between them. */
function Strip({ partitions, looked, width, onLook, onZoom }: {
  partitions: readonly Partition[];
  width: number;
  looked: Partition | undefined;
  onLook: (partition: Partition) => void;
  onZoom: (partition: Partition) => void;
}) {
  const strip = useRef<HTMLDivElement>(null);
  const at = Math.max(0, looked ? partitions.indexOf(looked) : 0);
  const onKey = (event: KeyboardEvent) => {
    const to = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: partitions.length - 1 }[event.key];
    const partition = partitions[at];
    if (to !== undefined) {
      event.preventDefault();
      strip.current?.querySelectorAll<HTMLElement>('button')[Math.min(partitions.length - 1, Math.max(0, to))]?.focus();
    } else if (event.key === 'z' && partition) {
      onZoom(partition);
    }
  };
  return (
    <div ref={strip} class="strip" role="group" aria-label="Parts, wide enough to be read. Arrow keys move, Enter shows the bytes, Z zooms." onKeyDown={onKey}>
      {inRows(partitions, width).map((row) => <div key={row.first} class="strip-row">{row.partitions.map((each, k) => { const i = row.first + k; return (
        <button type="button" key={i} tabIndex={i === at ? 0 : -1} class={`strip-part r-${roleClass(each.role)}${each === looked ? ' is-looked' : ''}`}
          style={{ flexGrow: logWeight(each.size) }} title={factsLine(each)}
          onFocus={() => onLook(each)} onPointerEnter={() => onLook(each)}
          onClick={() => { if (each.start !== null && each.region === 'user') { go(hexLink(each.start)); } }}>
          <bdi class="cut">{each.name}</bdi>
          <span class="strip-size">{each.size === null ? '?' : size(each.size)}</span>
          <span class="only-heard">, {each.role}, starts at {each.start === null ? 'an unknown place' : bothNotations(each.start)}</span>
        </button>
      ); })}</div>)}
    </div>
  );
}

function Facts({ partition, onZoom }: { partition: Partition | undefined; onZoom: (partition: Partition) => void }) {
  if (!partition) {
    return <div class="map-facts panel"><p class="faint">Point at a part, or move to one with the arrow keys, to read what is known of it.</p></div>;
  }
  return (
    <div class="map-facts panel" aria-live="polite">
      <h2><span class={`swatch r-${roleClass(partition.role)}`} aria-hidden="true" /> <bdi>{partition.name}</bdi> <span class="faint">{partition.role}</span></h2>
      <dl class="facts">
        <div><dt>Start</dt><dd>{partition.start === null ? 'unknown' : bothNotations(partition.start)}</dd></div>
        <div><dt>Size</dt><dd>{partition.size === null ? 'unknown' : exactSize(partition.size)}</dd></div>
        <div><dt>Holds</dt><dd>{[partition.filesystem, partition.looks].filter(Boolean).join(', ') || 'not looked at'}</dd></div>
        <div><dt>Known from</dt><dd>{partition.source}{partition.region !== 'user' && `, region ${partition.region}`}</dd></div>
      </dl>
      {partition.start !== null && partition.region === 'user' && (
        <p class="buttons"><Link to={hexLink(partition.start)} class="button">Its bytes</Link>
          <button type="button" onClick={() => onZoom(partition)}>Zoom to it</button></p>
      )}
    </div>
  );
}

function Axis({ range }: { range: Range }) {
  return (
    <div class="axis" aria-hidden="true">
      <span>{hex(range.from)}</span><span>{hex(Math.round((range.from + range.to) / 2))}</span><span>{hex(range.to)}</span>
    </div>
  );
}

function Drawn({ report }: { report: Report }) {
  const { query } = useAddress();
  const [box, { width }] = useSize<HTMLDivElement>();
  const [looked, setLooked] = useState<Partition | undefined>(() => report.partitions.find((each) => each.role === 'user data'));
  const total = Math.max(report.source.size, report.device_size ?? 0);
  const whole: Range = { from: 0, to: total };
  const at = numberParameter(query, 'at');
  const asked = { from: numberParameter(query, 'from') ?? 0, to: numberParameter(query, 'to') ?? total };
  const range = tidy(at === undefined ? asked : { from: at - 65_536, to: at + 65_536 }, total);
  const placed = placedOf(report);
  const zoom = (to: Range) => go(mapLink(tidy(to, total)), { replace: false });
  const zoomTo = (partition: Partition) => {
    if (partition.start !== null && partition.size !== null) {
      zoom({ from: partition.start, to: partition.start + partition.size });
    }
  };
  const all = useLoad('content all', (signal) => get<Content>('/content', { from: 0, cells }, signal));
  const some = useLoad(`content ${range.from} ${range.to}`, (signal) =>
    get<Content>('/content', { from: range.from, to: Math.min(range.to, report.source.size), cells }, signal));
  const last = useRef<Content | undefined>();
  useEffect(() => { last.current = some.value ?? last.current; }, [some.value]);
  const isWhole = range.from === 0 && range.to === total;
  const content = some.value;
  return (
    <div ref={box}>
      <section aria-labelledby="whole-title">
        <h2 id="whole-title">All of it, to scale <span class="faint">{exactSize(total)}</span></h2>
        <Flags findings={report.findings} range={whole} />
        <Brush range={whole} label="The whole memory: drag to zoom, click for the bytes" onZoom={zoom} window={range}>
          <Bar placed={placed} range={whole} onLook={setLooked} />
          <ContentTrack content={all.value} range={whole} width={width} height={24} label="What the bytes of all of it look like" />
        </Brush>
        <Axis range={whole} />
        {all.error && <Problem facts={all.error} onAgain={all.reload} />}
      </section>
      <section aria-labelledby="strip-title">
        <h2 id="strip-title">Its parts <span class="faint">not to scale, so that the small ones can be read</span></h2>
        <Strip partitions={report.partitions} looked={looked} width={width} onLook={setLooked} onZoom={zoomTo} />
        <Facts partition={looked} onZoom={zoomTo} />
      </section>
      <section aria-labelledby="zoom-title">
        <div class="page-head">
          <h2 id="zoom-title">{isWhole ? 'Closer' : `${hex(range.from)} to ${hex(range.to)}`} <span class="faint">{exactSize(range.to - range.from)}</span></h2>
          <div class="page-tools">
            <button type="button" onClick={() => zoom(zoomed(range, 0.25, total))} disabled={range.to - range.from <= smallestZoom}>Zoom in</button>
            <button type="button" onClick={() => zoom(zoomed(range, 4, total))} disabled={isWhole}>Zoom out</button>
            <button type="button" onClick={() => zoom(moved(range, -0.5, total))} disabled={range.from === 0}>Earlier</button>
            <button type="button" onClick={() => zoom(moved(range, 0.5, total))} disabled={range.to >= total}>Later</button>
            <button type="button" onClick={() => go('/map')} disabled={isWhole}>All</button>
            <Link to={hexLink(range.from)} class="button">Its bytes</Link>
          </div>
        </div>
        <Flags findings={report.findings} range={range} />
        <Brush range={range} label="The part that is zoomed to: drag to zoom further, click for the bytes" onZoom={zoom}>
          <Bar placed={placed} range={range} onLook={setLooked} />
          <ContentTrack content={content ?? last.current} range={range} width={width} height={96} label="What the bytes here look like" hasLine />
        </Brush>
        <Axis range={range} />
        {some.error && <Problem facts={some.error} onAgain={some.reload} />}
      </section>
      <Legend />
    </div>
  );
}

export function MapPage() {
  const report = useReport();
  useTitle('Map');
  return (
    <div class="page page-wide">
      <h1>Map</h1>
      <p>Where things lie in the phone's memory. Drag over a place to see it closer; click it to see its bytes.</p>
      {report.error && <Problem facts={report.error} onAgain={report.reload} />}
      {!report.value && !report.error && <Skeleton lines={10} label="Loading the map" />}
      {report.value && <Drawn report={report.value} />}
    </div>
  );
}
