// Contacts, messages and the other things that the phone's databases hold: one table a kind, of any length.
import { useEffect, useState } from 'preact/hooks';
import { get, url } from '../api/client';
import { workplace } from '../api/state';
import type { ItemCell, ItemKind, Items, ItemTable, Said } from '../api/types';
import { go, parameter, useAddress } from '../core/router';
import { useStore } from '../core/store';
import { count, counted } from '../core/text';
import { Choice, Empty, Link, Problem, Skeleton } from '../parts/basic';
import { useIsPhone, useLoad, useTitle, type Loaded } from '../parts/hooks';
import { usePaged, type Page } from '../parts/paged';
import { Ground, useRows } from '../parts/scroll';
import { NotOpened } from './waiting';

const pageSize = 200;
const lookAgain = 1000; // ms, while the server still reads the databases
const rightAwayChoices = 3;
const typingPause = 250; // ms
const mostSaid = 100;

const talks = ['messages', 'whatsapp'];
/** Where a kind of item is shown. */
export const itemsPath = (kind: string) => (talks.includes(kind) ? '/messages' : '/contacts');

interface TablePage extends Page<ItemCell[]> {
  table: ItemTable;
}

function address(path: string, kind: string, text: string): string {
  return `${path}?kind=${encodeURIComponent(kind)}${text === '' ? '' : `&text=${encodeURIComponent(text)}`}`;
}

export function pictureAddress(number: number): string {
  return url(`/item-pictures/${number}`);
}

/** What the databases hold; asked for again while they are read. */
function useItems(isOpen: boolean): Loaded<Items> {
  const items = useLoad(isOpen ? 'items' : null, (signal) => get<Items>('/items', {}, signal));
  const isLooking = items.value?.state === 'looking';
  useEffect(() => {
    if (!isLooking) {
      return;
    }
    const timer = setTimeout(items.reload, lookAgain);
    return () => clearTimeout(timer);
  }, [items.value]);
  return items;
}

function Row({ cells, columns, index, kind, text }: {
  cells: readonly ItemCell[];
  columns: readonly string[];
  index: number;
  kind: string;
  text: string;
}) {
  const isPhone = useIsPhone();
  const first = cells[0];
  const conversation = cells.find((cell) => cell[1] !== null)?.[1];
  const link = conversation !== undefined
    ? `/conversation?id=${conversation}`
    : `/item?kind=${kind}&n=${index}${text === '' ? '' : `&text=${encodeURIComponent(text)}`}`;
  const picture = cells.find((cell) => cell[2] !== null)?.[2];
  const rest = cells.slice(1, columns.length);
  // On a narrow screen a conversation's last words come first.
  const inLine = conversation === undefined ? rest : [...rest].reverse();
  return (
    <div role="row" class="item-row" aria-rowindex={index + 2}>
      <span role="cell" class="item-first">
        {picture !== undefined && picture !== null && <img class="item-picture" src={pictureAddress(picture)} alt="" loading="lazy" />}
        <Link to={link}><bdi>{first?.[0] || 'without a name'}</bdi></Link>
      </span>
      {isPhone
        ? <span role="cell" class="item-rest cut"><bdi>{inLine.map((cell) => cell[0]).filter((each) => each !== '').join(' · ')}</bdi></span>
        : rest.map((cell, i) => <span role="cell" key={i} class="cut" title={`${columns[i + 1] ?? ''}: ${cell[0]}`}><bdi>{cell[0]}</bdi></span>)}
    </div>
  );
}

function Table({ kind, text, isReady }: { kind: ItemKind; text: string; isReady: boolean }) {
  const isPhone = useIsPhone();
  const list = usePaged<ItemCell[], TablePage>(`${kind.name} ${text} ${isReady}`, pageSize, async (offset, limit, signal) => {
    const table = await get<ItemTable>(`/items/${encodeURIComponent(kind.name)}`, { offset, limit, ...(text === '' ? {} : { text }) }, signal);
    return { total: table.total, items: table.rows, table };
  });
  const view = useRows(list.total ?? 0, isPhone ? 64 : 40);
  const { first, end } = view.window;
  useEffect(() => list.need(first, end), [first, end, list.total]);
  useEffect(() => view.ref.current?.scrollTo(0, 0), [kind.name, text]);
  // Where a row came from is told with the item.
  const columns = (list.latest?.table.columns ?? []).filter((column) => column !== 'Origin');
  const shape = `minmax(0, 1.5fr) repeat(${Math.max(1, columns.length - 1)}, minmax(0, 1fr))`;
  const shown = [];
  for (let i = first; i < end; ++i) {
    const cells = list.at(i);
    shown.push(cells
      ? <Row key={i} cells={cells} columns={columns} index={i} kind={kind.name} text={text} />
      : <div key={i} role="row" class="item-row"><span role="cell" class="skeleton-line" aria-busy="true"><span class="only-heard">Loading</span></span></div>);
  }
  return (
    <div class="file-list item-list">
      {list.error && <Problem facts={list.error} onAgain={list.reload} />}
      <div role="table" aria-label={kind.title} aria-rowcount={(list.total ?? 0) + 1} class="file-grid items" {...(isPhone ? {} : { style: { '--columns': shape } })}>
        {!isPhone && (
          <div role="rowgroup">
            <div role="row" class="item-row item-head" aria-rowindex={1}>
              {columns.map((column) => <span role="columnheader" key={column} class="cut">{column}</span>)}
              {columns.length === 0 && <span role="columnheader" class="only-heard">Loading</span>}
            </div>
          </div>
        )}
        <div class="file-scroll" role="rowgroup" tabIndex={0} aria-label={`Rows of ${kind.title}`} ref={view.ref} onScroll={view.onScroll}>
          {list.total === undefined && !list.error && <div role="row"><div role="cell"><Skeleton lines={12} label={`Loading ${kind.title}`} /></div></div>}
          {list.total === 0 && <div role="row"><div role="cell"><Empty title={text === '' ? 'None was found.' : `Nothing here has “${text}” in it.`} /></div></div>}
          <Ground rows={view.rows} window={view.window}>{shown}</Ground>
        </div>
      </div>
      <p class="file-count faint" role="status">{list.total === undefined ? '\u00a0' : counted(list.total, 'row')}</p>
    </div>
  );
}

/** Single messages that have the text. */
function WhatWasSaid({ text, isReady }: { text: string; isReady: boolean }) {
  const said = useLoad(`said ${text} ${isReady}`, (signal) => get<Said>('/messages', { text, limit: mostSaid }, signal));
  const total = said.value?.total ?? 0;
  return (
    <section class="said" aria-labelledby="said-title">
      <h2 id="said-title">Said <span class="faint" role="status">{said.value ? `${counted(total, 'message')}${total > mostSaid ? `, the first ${mostSaid} are here` : ''}` : ''}</span></h2>
      {said.error && <Problem facts={said.error} onAgain={said.reload} />}
      <ul class="said-list" tabIndex={0} aria-label={`Messages with “${text}”`}>
        {said.value?.messages.map((message, i) => (
          <li key={i}>
            <Link to={`/conversation?id=${message.conversation}`}><bdi>{message.title}</bdi></Link> <span class="faint">{message.own ? 'You, ' : ''}{message.time}</span>
            <p class="cut" dir="auto">{message.text}</p>
          </li>
        ))}
      </ul>
    </section>
  );
}

function SearchField({ text, onText }: { text: string; onText: (text: string) => void }) {
  const [typed, setTyped] = useState(text);
  useEffect(() => setTyped(text), [text]);
  useEffect(() => {
    if (typed === text) {
      return;
    }
    const timer = setTimeout(() => onText(typed), typingPause);
    return () => clearTimeout(timer);
  }, [typed]);
  return (
    <label class="field-inline">
      <span>Look for</span>
      <input type="text" class="item-search" value={typed} maxLength={80} onInput={(event) => setTyped(event.currentTarget.value)} />
    </label>
  );
}

function KindChoice({ kinds, value, onChange }: { kinds: readonly ItemKind[]; value: string; onChange: (name: string) => void }) {
  const label = (kind: ItemKind) => `${kind.title} (${count(kind.items)})`;
  if (kinds.length <= rightAwayChoices) {
    return <Choice label="What to show" value={value} options={kinds.map((kind) => ({ value: kind.name, label: label(kind) }))} onChange={onChange} />;
  }
  return (
    <label class="field-inline">
      <span>Show</span>
      <select value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        {kinds.map((kind) => <option key={kind.name} value={kind.name}>{label(kind)}</option>)}
      </select>
    </label>
  );
}

/** What was assumed, and what could not be read. */
function Remarks({ kind }: { kind: ItemKind }) {
  return (
    <>
      {kind.problems.map((problem) => <p key={problem} class="notice" role="status"><bdi>{problem}</bdi></p>)}
      {kind.items > 0 && kind.notes.length > 0 && <p class="faint item-notes">{kind.notes.join(' ')}</p>}
    </>
  );
}

function ItemsPage({ path, title }: { path: string; title: string }) {
  const { query } = useAddress();
  const work = useStore(workplace);
  const items = useItems(work?.is_open ?? false);
  useTitle(title);
  if (!work?.is_open) {
    return <NotOpened title={title} />;
  }
  const kinds = (items.value?.kinds ?? []).filter((kind) => itemsPath(kind.name) === path);
  const wanted = parameter(query, 'kind');
  const kind = kinds.find((each) => each.name === wanted) ?? kinds.find((each) => each.has_table) ?? kinds[0];
  const text = parameter(query, 'text') ?? '';
  const isReady = items.value?.state !== 'looking';
  return (
    <div class="page page-full">
      <div class="page-head">
        <h1>{title}</h1>
        <div class="page-tools">
          {kind && <KindChoice kinds={kinds} value={kind.name} onChange={(name) => go(address(path, name, text))} />}
          {kind && <SearchField text={text} onText={(next) => go(address(path, kind.name, next), { replace: true })} />}
        </div>
      </div>
      <p class="item-state" role="status">{isReady || !items.value ? '' : 'The phone’s databases are still being read; more may come.'}</p>
      {items.error && <Problem facts={items.error} onAgain={items.reload} />}
      {items.value?.problem && <p class="notice" role="status">The databases could not be read to the end: {items.value.problem}</p>}
      {path === '/messages' && text !== '' && <WhatWasSaid text={text} isReady={isReady} />}
      {kind && <Remarks kind={kind} />}
      {!kind && !items.error && (isReady && items.value ? <Empty title="None was found." /> : <Skeleton lines={12} label="Reading the phone’s databases" />)}
      {kind && !kind.has_table && <Empty title="None was found." />}
      {kind?.has_table && <Table kind={kind} text={text} isReady={isReady} />}
    </div>
  );
}

export function ContactsPage() {
  return <ItemsPage path="/contacts" title="Contacts and lists" />;
}
export function MessagesPage() {
  return <ItemsPage path="/messages" title="Messages" />;
}
