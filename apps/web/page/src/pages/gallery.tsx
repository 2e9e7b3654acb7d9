// Gallery: photos and videos by day, in justified rows; only what is seen is drawn and asked for.
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { get, Key, url } from '../api/client';
import { workplace } from '../api/state';
import type { Gallery, GalleryItem } from '../api/types';
import { firstLine, justified, lineOf, ratioOf, type Line } from '../core/justified';
import { go, isPlainClick, numberParameter, useAddress } from '../core/router';
import { useStore } from '../core/store';
import { clock, counted, dayName, size } from '../core/text';
import { Empty, Problem, Skeleton } from '../parts/basic';
import { DownloadBar } from '../parts/download_bar';
import { useIsPhone, useSize, useTitle } from '../parts/hooks';
import { usePaged, type Page } from '../parts/paged';
import { picked, toggle } from '../parts/picked';
import { NotOpened } from './waiting';

export const galleryPage = 500;
const lookAgain = 1000; // ms, while the server still walks the tree

export interface GalleryPageOf extends Page<GalleryItem> {
  state: Gallery['state'];
  days: Gallery['days'];
}

export function useGallery(isOpen: boolean) {
  return usePaged<GalleryItem, GalleryPageOf>(isOpen ? 'gallery' : null, galleryPage, async (offset, limit, signal) => {
    const answer = await get<Gallery>('/gallery', { offset, limit }, signal);
    return { total: answer.total, items: answer.items, state: answer.state, days: answer.days };
  });
}

export function photoLink(item: GalleryItem, index: number): string {
  return `/photo?n=${index}&path=${item.key}`;
}

function Thumbnail({ item, index, left, width, height, isFocused, isMarked, onFocus }: {
  item: GalleryItem | undefined;
  index: number;
  left: number;
  width: number;
  height: number;
  isFocused: boolean;
  isMarked: boolean;
  onFocus: () => void;
}) {
  const [isBroken, setBroken] = useState(false);
  const place = { left: `${left}px`, width: `${width}px`, height: `${height}px` };
  if (!item) {
    return <div class="thumb thumb-waiting" style={place} aria-hidden="true" />;
  }
  const lost = item.lost_bytes ?? 0;
  const link = photoLink(item, index);
  const label = `${item.kind === 'video' ? 'Video' : 'Photo'} ${item.name}${lost > 0 ? `, ${size(lost)} lost` : ''}`;
  return (
    <div class={isMarked ? 'thumb is-marked' : 'thumb'} style={place}>
      <a href={link} data-photo={index} tabIndex={isFocused ? 0 : -1} aria-label={label} title={item.name} onFocus={onFocus}
        onClick={(event) => { if (isPlainClick(event)) { event.preventDefault(); go(link); } }}>
        {item.kind === 'image' && !isBroken
          ? <img src={url('/thumbnail', { path: new Key(item.key) })} alt="" decoding="async" onError={() => setBroken(true)} />
          : <span class="thumb-none">{item.kind === 'video' ? '▶' : 'cannot be shown'}</span>}
        {item.kind === 'video' && <span class="thumb-length">{item.seconds ? clock(item.seconds) : 'video'}</span>}
        {lost > 0 && <span class="thumb-lost">{size(lost)} lost</span>}
      </a>
      <input type="checkbox" tabIndex={-1} checked={isMarked} aria-label={`Mark ${item.name}`} onChange={() => toggle(item.key, false)} />
    </div>
  );
}

function Lines({ lines, days, at, focused, onFocus }: {
  lines: readonly Line[];
  days: Gallery['days'];
  at: (index: number) => GalleryItem | undefined;
  focused: number;
  onFocus: (index: number) => void;
}) {
  const marked = useStore(picked);
  return (
    <>
      {lines.map((line) => {
        const day = line.day === undefined ? undefined : days[line.day];
        return (
          <div key={day ? `day ${day.day}` : `row ${line.items[0]?.index ?? 0}`} class={day ? 'gallery-day' : 'gallery-row'}
            style={{ top: `${line.top}px`, height: `${line.height}px` }}>
            {day && <h2>{dayName(day.day)} <span class="faint">{counted(day.count, 'item')}</span></h2>}
            {line.items.map((placed) => {
              const item = at(placed.index);
              return (
                <Thumbnail key={item?.key ?? placed.index} item={item} index={placed.index} left={placed.left} width={placed.width} height={line.height}
                  isFocused={placed.index === focused} isMarked={!marked.deleted && item !== undefined && marked.keys.has(item.key)}
                  onFocus={() => onFocus(placed.index)} />
              );
            })}
          </div>
        );
      })}
    </>
  );
}

export function GalleryPage() {
  const work = useStore(workplace);
  const isPhone = useIsPhone();
  const wanted = numberParameter(useAddress().query, 'at');
  const [ref, box] = useSize<HTMLDivElement>();
  const [top, setTop] = useState(0);
  const [focused, setFocused] = useState(wanted ?? 0);
  const list = useGallery(work?.is_open ?? false);
  useTitle('Gallery');
  const latest = list.latest;
  const days = latest?.days ?? [];
  useEffect(() => {
    if (latest?.state !== 'looking') {
      return;
    }
    const timer = setTimeout(list.reload, lookAgain);
    return () => clearTimeout(timer);
  }, [latest]);

  const shape = { width: box.width, gap: isPhone ? 4 : 8, row: isPhone ? 112 : 176, heading: 48 };
  const layout = useMemo(() => justified(days, (index) => {
    const item = list.at(index);
    return ratioOf(item?.width, item?.height);
  }, shape), [list.round, days, shape.width, shape.row]);
  const first = Math.max(0, firstLine(layout.lines, top - box.height * 0.5));
  const end = Math.min(layout.lines.length, firstLine(layout.lines, top + box.height * 1.5) + 1);
  const lines = layout.lines.slice(first, end);
  const indexes = lines.flatMap((line) => line.items.map((item) => item.index));
  const low = indexes[0] ?? 0;
  const high = (indexes[indexes.length - 1] ?? -1) + 1;
  useEffect(() => list.need(low, high), [low, high, list.round]);

  // What is at the top stays there when shapes become known or the window changes.
  const anchor = useRef<{ index: number; below: number } | undefined>(wanted === undefined ? undefined : { index: wanted, below: 0 });
  useLayoutEffect(() => {
    const element = ref.current;
    const held = anchor.current;
    if (!element || !held || layout.lines.length === 0) {
      return;
    }
    const line = layout.lines[lineOf(layout.lines, held.index)];
    if (line && Math.abs(line.top + held.below - element.scrollTop) >= 1) {
      element.scrollTop = line.top + held.below;
    }
  }, [layout]);
  const onScroll = () => {
    const now = ref.current?.scrollTop ?? 0;
    setTop(now);
    const at = firstLine(layout.lines, now);
    const line = layout.lines[at]?.items.length ? layout.lines[at] : layout.lines[at + 1];
    const item = line?.items[0];
    anchor.current = now <= 0 || !line || !item ? undefined : { index: item.index, below: now - line.top };
  };

  const focusItem = (index: number) => {
    const to = Math.min((list.total ?? 1) - 1, Math.max(0, index));
    const line = layout.lines[lineOf(layout.lines, to)];
    const element = ref.current;
    setFocused(to);
    if (line && element && (line.top < element.scrollTop || line.top + line.height > element.scrollTop + box.height)) {
      element.scrollTop = line.top - shape.heading;
      setTop(element.scrollTop);
    }
    requestAnimationFrame(() => requestAnimationFrame(() => element?.querySelector<HTMLElement>(`[data-photo="${to}"]`)?.focus({ preventScroll: true })));
  };
  const inLine = (step: number) => {
    const from = lineOf(layout.lines, focused);
    const placed = layout.lines[from]?.items.find((item) => item.index === focused);
    let to = from + step;
    while (layout.lines[to] && layout.lines[to]?.items.length === 0) {
      to += step;
    }
    const middle = placed ? placed.left + placed.width / 2 : 0;
    const line = layout.lines[to];
    const best = line?.items.find((item) => item.left + item.width >= middle) ?? line?.items[line.items.length - 1];
    return best?.index ?? focused;
  };
  const onKey = (event: KeyboardEvent) => {
    const item = list.at(focused);
    switch (event.key) {
      case 'ArrowRight': focusItem(focused + 1); break;
      case 'ArrowLeft': focusItem(focused - 1); break;
      case 'ArrowDown': focusItem(inLine(1)); break;
      case 'ArrowUp': focusItem(inLine(-1)); break;
      case 'Home': focusItem(0); break;
      case 'End': focusItem((list.total ?? 1) - 1); break;
      case ' ': if (item) { toggle(item.key, false); } break;
      default: return;
    }
    event.preventDefault();
  };
  if (!work?.is_open) {
    return <NotOpened title="Gallery" />;
  }
  const isFocusedDrawn = focused >= low && focused < high;
  return (
    <div class="page page-full page-wide">
      <div class="page-head">
        <h1>Gallery</h1>
        <p class="faint" role="status">
          {list.total === undefined ? '\u00a0' : counted(list.total, 'photo or video', 'photos and videos')}
          {latest?.state === 'looking' && ', still looking'}
        </p>
      </div>
      {list.error && <Problem facts={list.error} onAgain={list.reload} />}
      <div class="gallery" ref={ref} onScroll={onScroll} onKeyDown={onKey} role="region" aria-label="Photos and videos by day" tabIndex={isFocusedDrawn ? -1 : 0}>
        {list.total === undefined && !list.error && <Skeleton lines={8} label="Looking for photos and videos" />}
        {list.total === 0 && latest?.state === 'ready' && (
          <Empty title="No photos or videos are on it."><p>Deleted ones may be among the deleted files.</p></Empty>
        )}
        <div class="gallery-ground" style={{ height: `${layout.height}px` }}>
          <Lines lines={lines} days={days} at={list.at} focused={isFocusedDrawn ? focused : low} onFocus={setFocused} />
        </div>
      </div>
      <DownloadBar />
    </div>
  );
}
