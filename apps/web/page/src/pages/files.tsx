// Files: the tree beside, a folder's entries as a table of any length.
import { useEffect, useMemo, useState } from 'preact/hooks';
import { get, Key } from '../api/client';
import { workplace } from '../api/state';
import type { Entry, Listing } from '../api/types';
import { nameOf, parentOf, trail } from '../core/keys';
import { go, isPlainClick, keyParameter, parameter, useAddress } from '../core/router';
import { useStore } from '../core/store';
import { counted, exactSize, moment, size } from '../core/text';
import { Choice, Empty, Link, Problem, Skeleton } from '../parts/basic';
import { DownloadBar } from '../parts/download_bar';
import { useIsPhone, useTitle } from '../parts/hooks';
import { Icon } from '../parts/icons';
import { usePaged, type Page } from '../parts/paged';
import { picked, toggle } from '../parts/picked';
import { Ground, useRows } from '../parts/scroll';
import { Tree } from '../parts/tree';
import { NotOpened } from './waiting';

type Sort = 'name' | 'size' | 'mtime';
const pageSize = 500;

interface ListingPage extends Page<Entry> {
  problem?: string | null;
}

export function filesLink(key: string, deleted: boolean): string {
  return `/files?path=${key}${deleted ? '&deleted=1' : ''}`;
}
export function fileLink(key: string, deleted: boolean): string {
  return `/file?path=${key}${deleted ? '&deleted=1' : ''}`;
}

export function iconOf(entry: Entry): string {
  if (entry.type === 'directory') {
    return 'folder';
  }
  if (entry.type === 'symlink') {
    return 'link';
  }
  return entry.kind === 'image' || entry.kind === 'video' || entry.kind === 'database' ? entry.kind : 'file';
}

const typeWords: Record<string, string> = {
  directory: 'folder', symlink: 'link', fifo: 'pipe', socket: 'socket', 'character-device': 'device', 'block-device': 'device',
};

function marks(entry: Entry) {
  return (
    <>
      {entry.deleted && <span class="mark mark-deleted">deleted{entry.confidence ? `, ${entry.confidence} confidence` : ''}</span>}
      {entry.problem && <span class="mark mark-problem" title={entry.problem}>not whole</span>}
    </>
  );
}

function Row({ entry, index, deleted, isMarked, isFocused, onFocus }: {
  entry: Entry;
  index: number;
  deleted: boolean;
  isMarked: boolean;
  isFocused: boolean;
  onFocus: () => void;
}) {
  const link = entry.type === 'directory' ? filesLink(entry.key, deleted) : fileLink(entry.key, deleted);
  return (
    <div role="row" class={isMarked ? 'file-row is-marked' : 'file-row'} aria-rowindex={index + 2} aria-selected={isMarked}
      tabIndex={isFocused ? 0 : -1} data-row={index} onFocus={onFocus}>
      <span role="gridcell" class="file-pick">
        <input type="checkbox" tabIndex={-1} checked={isMarked} aria-label={`Mark ${entry.name}`} onChange={() => toggle(entry.key, deleted)} />
      </span>
      <span role="gridcell" class="file-name">
        <Icon name={iconOf(entry)} />
        <a href={link} tabIndex={-1} title={entry.name} onClick={(event) => { if (isPlainClick(event)) { event.preventDefault(); go(link); } }}>
          <bdi>{entry.name}</bdi>
        </a>
        {entry.target && <span class="faint cut"> to <bdi>{entry.target}</bdi></span>}
        {marks(entry)}
      </span>
      <span role="gridcell" class="file-size number" title={exactSize(entry.size)}>
        {entry.type === 'file' ? size(entry.size) : typeWords[entry.type] ?? entry.type}
      </span>
      <span role="gridcell" class="file-time number">{moment(entry.mtime)}</span>
    </div>
  );
}

function Header({ sort, isDescending, onSort }: { sort: Sort; isDescending: boolean; onSort: (sort: Sort) => void }) {
  const column = (value: Sort, label: string, style: string) => (
    <span role="columnheader" class={style} aria-sort={sort === value ? (isDescending ? 'descending' : 'ascending') : 'none'}>
      <button type="button" class="sort" onClick={() => onSort(value)}>
        {label}{sort === value && <span class="sort-mark" aria-hidden="true">{isDescending ? '↓' : '↑'}</span>}
      </button>
    </span>
  );
  return (
    <div role="row" class="file-row file-head" aria-rowindex={1}>
      <span role="columnheader" class="file-pick"><span class="only-heard">Marked</span></span>
      {column('name', 'Name', 'file-name')}
      {column('size', 'Size', 'file-size number')}
      {column('mtime', 'Changed (UTC)', 'file-time number')}
    </div>
  );
}

function Folder({ folder, deleted }: { folder: string; deleted: boolean }) {
  const isPhone = useIsPhone();
  const [sort, setSort] = useState<Sort>('name');
  const [isDescending, setDescending] = useState(false);
  const marked = useStore(picked);
  const list = usePaged<Entry, ListingPage>(`${folder} ${deleted} ${sort} ${isDescending}`, pageSize, async (offset, limit, signal) => {
    const answer = await get<Listing>('/files', {
      path: new Key(folder), deleted: deleted ? 1 : 0, sort, descending: isDescending ? 1 : 0, offset, limit,
    }, signal);
    return { total: answer.total, items: answer.entries, problem: answer.problem ?? null };
  });
  const view = useRows(list.total ?? 0, isPhone ? 64 : 32);
  const [focused, setFocused] = useState(0);
  const { first, end } = view.window;
  useEffect(() => list.need(first, end), [first, end, list.total]);
  useEffect(() => {
    setFocused(0);
    view.ref.current?.scrollTo(0, 0);
  }, [folder, deleted, sort, isDescending]);

  const focusRow = (row: number) => {
    const to = Math.min((list.total ?? 1) - 1, Math.max(0, row));
    setFocused(to);
    view.scrollTo(to);
    requestAnimationFrame(() => view.ref.current?.querySelector<HTMLElement>(`[data-row="${to}"]`)?.focus({ preventScroll: true }));
  };
  const onKey = (event: KeyboardEvent) => {
    const page = Math.max(1, Math.floor(view.rows.view / view.rows.height) - 1);
    const to: Record<string, number> = {
      ArrowDown: focused + 1, ArrowUp: focused - 1, PageDown: focused + page, PageUp: focused - page, Home: 0, End: (list.total ?? 1) - 1,
    };
    const entry = list.at(focused);
    const row = to[event.key];
    if (row !== undefined) {
      focusRow(row);
    } else if (event.key === ' ' && entry) {
      toggle(entry.key, deleted);
    } else if (event.key === 'Enter' && entry && !(event.target instanceof HTMLAnchorElement)) {
      go(entry.type === 'directory' ? filesLink(entry.key, deleted) : fileLink(entry.key, deleted));
    } else if (event.key === 'Backspace' && folder !== '/') {
      go(filesLink(parentOf(folder), deleted));
    } else {
      return;
    }
    event.preventDefault();
  };
  const onSort = (value: Sort) => {
    setDescending(value === sort ? !isDescending : value !== 'name');
    setSort(value);
  };
  const shown = [];
  for (let i = first; i < end; ++i) {
    const entry = list.at(i);
    shown.push(entry
      ? <Row key={i} entry={entry} index={i} deleted={deleted} isMarked={marked.deleted === deleted && marked.keys.has(entry.key)}
          isFocused={i === focused} onFocus={() => setFocused(i)} />
      : <div key={i} role="row" class="file-row" aria-rowindex={i + 2}><span role="gridcell" class="skeleton-line" aria-busy="true"><span class="only-heard">Loading</span></span></div>);
  }
  return (
    <div class="file-list">
      {list.latest?.problem && <p class="notice" role="status">This folder could not be listed to its end: {list.latest.problem}</p>}
      {list.error && <Problem facts={list.error} onAgain={list.reload} />}
      <div role="grid" aria-label={`Files in ${nameOf(folder)}`} aria-rowcount={(list.total ?? 0) + 1} aria-multiselectable="true" class="file-grid" onKeyDown={onKey}>
        <Header sort={sort} isDescending={isDescending} onSort={onSort} />
        <div class="file-scroll" role="rowgroup" ref={view.ref} onScroll={view.onScroll} tabIndex={-1}>
          {list.total === undefined && !list.error && (
            <div role="row"><div role="gridcell"><Skeleton lines={12} label="Listing the folder" /></div></div>
          )}
          {list.total === 0 && (
            <div role="row"><div role="gridcell"><Empty title={deleted ? 'No deleted files were found here.' : 'This folder is empty.'} /></div></div>
          )}
          <Ground rows={view.rows} window={view.window}>{shown}</Ground>
        </div>
      </div>
      <p class="file-count faint" role="status">{list.total === undefined ? '\u00a0' : counted(list.total, 'entry', 'entries')}</p>
    </div>
  );
}

export function Crumbs({ path, deleted }: { path: string; deleted: boolean }) {
  const parts = useMemo(() => trail(path), [path]);
  return (
    <nav class="crumbs" aria-label="Folders on the way">
      {parts.map((part, i) => (
        <span key={part.key}>
          {i > 0 && <span aria-hidden="true" class="faint"> › </span>}
          <Link to={filesLink(part.key, deleted)} {...(i === parts.length - 1 ? { 'aria-current': 'location' as const } : {})}>
            <bdi>{i === 0 ? (deleted ? 'Deleted files' : 'All files') : part.name}</bdi>
          </Link>
        </span>
      ))}
    </nav>
  );
}

export function FilesPage() {
  const { query } = useAddress();
  const work = useStore(workplace);
  const isPhone = useIsPhone();
  const folder = keyParameter(query);
  const deleted = parameter(query, 'deleted') === '1';
  useTitle(`Files: ${nameOf(folder)}`);
  if (!work?.is_open) {
    return <NotOpened title="Files" />;
  }
  return (
    <div class="page page-full">
      <div class="page-head">
        <h1>Files</h1>
        <div class="page-tools">
          <Choice label="Which files" value={deleted ? 'deleted' : 'live'}
            options={[{ value: 'live', label: 'On the phone' }, { value: 'deleted', label: 'Deleted' }]}
            onChange={(value) => go(filesLink('/', value === 'deleted'))} />
        </div>
      </div>
      <Crumbs path={folder} deleted={deleted} />
      <div class="files">
        {!isPhone && <Tree here={folder} deleted={deleted} />}
        <Folder folder={folder} deleted={deleted} />
      </div>
      <DownloadBar />
    </div>
  );
}
