// Hex: any offset of any source, the fields of what is known there, search, and two sources side by side.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { get, send } from '../api/client';
import { jobs, putJob } from '../api/state';
import type { Bytes, Field, Hit, Job, Place, Source } from '../api/types';
import { go, numberParameter, parameter, useAddress } from '../core/router';
import { hexDigits, tidyOffset } from '../core/rows';
import { useStore } from '../core/store';
import { bothNotations, counted, exactSize, hex } from '../core/text';
import { Empty, Link, Problem, Severity, Skeleton } from '../parts/basic';
import { HexView, type Pane } from '../parts/hex_view';
import { useAction, useLoad, useTitle } from '../parts/hooks';
import { JobPanel } from '../parts/progress';

interface View {
  source: string;
  at: number;
  beside: string | undefined;
}

function linkOf(view: View): string {
  return `/hex?source=${encodeURIComponent(view.source)}&at=${view.at}${view.beside ? `&beside=${encodeURIComponent(view.beside)}` : ''}`;
}

function GoTo({ source, onGo }: { source: string; onGo: (at: number) => void }) {
  const [text, setText] = useState('');
  const find = useAction(async (what: string) => {
    const place = await get<Place>('/place', { source, text: tidyOffset(what) });
    onGo(place.at);
  });
  return (
    <form class="hex-go" onSubmit={(event) => { event.preventDefault(); if (text.trim() !== '') { find.run(text); } }}>
      <label class="field-inline">
        <span>Go to</span>
        <input type="text" value={text} spellcheck={false} placeholder="0x3bc8024, 512s, metadata+0x24"
          onInput={(event) => setText(event.currentTarget.value)} />
      </label>
      <button type="submit" disabled={find.isRunning || text.trim() === ''}>Go</button>
      {find.error && <Problem facts={find.error} />}
    </form>
  );
}

function Hits({ job, onGo }: { job: Job; onGo: (at: number) => void }) {
  const hits: readonly Hit[] = job.result?.hits ?? [];
  if (job.state !== 'done' && hits.length === 0) {
    return null;
  }
  if (hits.length === 0) {
    return <Empty title="It is nowhere in the dump." />;
  }
  return (
    <>
      <p class="faint">{counted(hits.length, 'place')}{job.result?.hits_not_listed ? `, and ${counted(job.result.hits_not_listed, 'more', 'more')} not listed` : ''}</p>
      <ul class="hits" tabIndex={0} aria-label="Places found">
        {hits.map((hit) => (
          <li key={hit.offset}>
            <button type="button" class="row-button" onClick={() => onGo(hit.offset)}>
              <span>{bothNotations(hit.offset)}{hit.partition && <> in <bdi>{hit.partition}</bdi></>}</span>
              {hit.note && <span class="faint">{hit.note}</span>}
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}

function Search({ onGo }: { onGo: (at: number) => void }) {
  const [text, setText] = useState('');
  const [isHex, setHex] = useState(false);
  const [mine, setMine] = useState<string | undefined>();
  const job = useStore(jobs).find((each) => each.id === mine);
  const bytes = isHex ? hexDigits(text) : text;
  const begin = useAction(async () => {
    const made = await send<Job>('POST', '/finds', { text: bytes, is_hex: isHex });
    putJob(made);
    setMine(made.id);
  });
  return (
    <section aria-labelledby="find-title" class="hex-find" tabIndex={0}>
      <h2 id="find-title">Search the dump</h2>
      <form onSubmit={(event) => { event.preventDefault(); if (bytes) { begin.run(); } }}>
        <label class="field">
          <span>{isHex ? 'Bytes, as hex digits' : 'Text'}</span>
          <input type="text" value={text} spellcheck={false} maxLength={1000} onInput={(event) => setText(event.currentTarget.value)} />
        </label>
        <label class="check"><input type="checkbox" checked={isHex} onChange={() => setHex(!isHex)} /> These are bytes <span class="faint">c4 b1 b5 d0</span></label>
        <div class="buttons"><button type="submit" disabled={!bytes || begin.isRunning || job?.state === 'running'}>Search all of it</button></div>
      </form>
      {isHex && text.trim() !== '' && !bytes && <p class="faint" role="status">Two hex digits a byte.</p>}
      {begin.error && <Problem facts={begin.error} />}
      {job && job.state !== 'done' && <JobPanel job={job} />}
      {job && <Hits job={job} onGo={onGo} />}
    </section>
  );
}

function FieldList({ structure, fields, marked, onMark }: {
  structure: string | null;
  fields: readonly Field[];
  marked: Field | undefined;
  onMark: (field: Field) => void;
}) {
  return (
    <section aria-labelledby="fields-title" class="hex-known" tabIndex={0}>
      <h2 id="fields-title">{structure ? structure : 'What is known here'}</h2>
      {fields.length === 0 && <p class="faint">No known structure at this place. Findings and the map lead to some.</p>}
      <ul class="fields">
        {fields.map((field, i) => (
          <li key={`${field.at} ${field.name}`}>
            <button type="button" class={marked === field ? 'row-button is-marked' : 'row-button'} aria-pressed={marked === field} onClick={() => onMark(field)}>
              <span class="field-name"><span class={`swatch f${i % 6}`} aria-hidden="true" />{field.name}</span>
              <code><bdi>{field.value}</bdi></code>
              {field.meaning && <span class="faint">{field.meaning}</span>}
              <span class="faint">{bothNotations(field.at)}, {counted(field.length, 'byte')}{field.spec ? `, ${field.spec}` : ''}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** The panes, and by how much the second one lies elsewhere. */
function panesOf(sources: readonly Source[], view: View): Pane[] {
  const first = sources.find((each) => each.id === view.source) ?? sources[0];
  const second = sources.find((each) => each.id === view.beside && each.id !== first?.id);
  if (!first) {
    return [];
  }
  const shift = (first.start ?? 0) - (second?.start ?? 0);
  return second ? [{ source: first, shift: 0 }, { source: second, shift }] : [{ source: first, shift: 0 }];
}

export function HexPage() {
  const { query } = useAddress();
  const sources = useLoad('sources', (signal) => get<{ sources: Source[] }>('/sources', {}, signal));
  const view: View = { source: parameter(query, 'source') ?? 'dump', at: numberParameter(query, 'at') ?? 0, beside: parameter(query, 'beside') };
  const [top, setTop] = useState(view.at);
  const [marked, setMarked] = useState<Field | undefined>();
  useTitle(`Hex at ${hex(view.at)}`);
  useEffect(() => setTop(view.at), [view.at, view.source]);
  const list = sources.value?.sources ?? [];
  const panes = useMemo(() => panesOf(list, view), [list, view.source, view.beside]);
  const here = useLoad(panes[0] ? `here ${view.source} ${view.at}` : null, (signal) =>
    get<Bytes>('/bytes', { source: view.source, at: view.at, length: 4096 }, signal));
  const known = useRef<readonly Field[]>([]);
  known.current = here.value?.fields ?? (here.isLoading ? known.current : []);
  const fields = known.current;
  // The address follows the view when it has come to rest, without a step for the back button.
  const rest = useRef(0);
  const moveTo = (at: number) => {
    setTop(at);
    clearTimeout(rest.current);
    rest.current = window.setTimeout(() => go(linkOf({ ...view, at }), { replace: true }), 250);
  };
  useEffect(() => () => clearTimeout(rest.current), []);
  const goTo = (at: number, source = view.source) => {
    clearTimeout(rest.current);
    setTop(at);
    go(linkOf({ ...view, source, at }));
  };
  const raw = list.find((each) => each.id === 'dump');
  const clear = list.find((each) => each.id === 'userdata');
  const beside = () => {
    if (view.beside) {
      go(linkOf({ ...view, beside: undefined }));
      return;
    }
    const other = view.source === 'userdata' ? raw : clear;
    const start = other?.start ?? 0;
    const from = list.find((each) => each.id === view.source)?.start ?? 0;
    const isOutside = other && (view.at + from < start || view.at + from >= start + other.size);
    go(linkOf({ ...view, at: isOutside ? start - from : view.at, beside: other?.id }));
  };
  if (sources.error) {
    return <div class="page"><h1>Hex</h1><Problem facts={sources.error} onAgain={sources.reload} /></div>;
  }
  return (
    <div class="page page-full page-wide">
      <div class="page-head">
        <h1>Hex</h1>
        <div class="page-tools">
          <label class="field-inline">
            <span>Of</span>
            <select value={view.source} onChange={(event) => goTo(0, event.currentTarget.value)}>
              {list.map((each) => <option key={each.id} value={each.id}>{each.name}</option>)}
              {list.length === 0 && <option value={view.source}>{view.source}</option>}
            </select>
          </label>
          <GoTo source={view.source} onGo={(at) => goTo(at)} />
          <button type="button" aria-pressed={view.beside !== undefined} disabled={!raw || !clear} onClick={beside}
            title={clear ? '' : 'Once the phone is unlocked'}>Raw and decrypted side by side</button>
        </div>
      </div>
      <p class="hex-place">
        {here.value ? <><bdi>{here.value.place}</bdi> <span class="faint">{bothNotations(view.at)} of {exactSize(here.value.size)}</span></> : '\u00a0'}
        {here.value?.extents.some((each) => each.kind === 'unreadable') && <> <Severity value="error" /> <span>Part of this could not be read; it is shown as ??.</span></>}
        {here.value?.extents.some((each) => each.kind === 'hole') && <span class="faint"> Hatched: a hole, not stored in the dump, reads as zeros.</span>}
      </p>
      <div class="hex-columns">
        {panes.length === 0
          ? <Skeleton lines={20} label="Loading the bytes" />
          : <HexView panes={panes} at={top} selected={view.at} fields={fields} field={marked} onMove={moveTo} />}
        <aside class="hex-side" aria-label="Fields and search">
          <FieldList structure={here.value?.structure ?? null} fields={fields} marked={marked}
            onMark={(field) => { setMarked(field); goTo(Math.max(0, field.at)); }} />
          <Search onGo={(at) => goTo(at, 'dump')} />
          <p class="faint"><Link to={`/map?at=${view.at + (list.find((each) => each.id === view.source)?.start ?? 0)}`}>Where this is on the map</Link></p>
        </aside>
      </div>
    </div>
  );
}
