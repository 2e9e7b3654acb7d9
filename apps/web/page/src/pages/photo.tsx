// One photo or video, as large as the window; left and right go to its neighbours.
import { useEffect, useState } from 'preact/hooks';
import { Key, url } from '../api/client';
import { workplace } from '../api/state';
import type { GalleryItem } from '../api/types';
import { nameOf } from '../core/keys';
import { go, keyParameter, numberParameter, useAddress } from '../core/router';
import { useStore } from '../core/store';
import { count, dayName, momentOf, size } from '../core/text';
import { Link } from '../parts/basic';
import { useTitle } from '../parts/hooks';
import { fileLink } from './files';
import { photoLink, useGallery } from './gallery';
import { NotOpened } from './waiting';

function Shown({ path, item }: { path: string; item: GalleryItem | undefined }) {
  const [isBroken, setBroken] = useState(false);
  const address = url('/file', { path: new Key(path) });
  const lost = item?.lost_bytes ?? 0;
  const isVideo = item ? item.kind === 'video' : /\.(mp4|3gp|webm|mkv|avi|mov)$/i.test(path);
  if (isBroken) {
    return (
      <div class="photo-none">
        <p>This browser cannot show it.</p>
        <p>{lost > 0 ? `${size(lost)} of ${size(item?.size ?? 0)} could not be read.` : 'It may be broken, or of a kind that only some programs open.'}</p>
        <p><Link to={fileLink(path, false)} class="button">What is known of the file</Link></p>
      </div>
    );
  }
  return isVideo
    ? <video class="photo-shown" controls preload="metadata" src={address} aria-label={nameOf(path)} onError={() => setBroken(true)} />
    : <img class="photo-shown" src={address} alt={nameOf(path)} onError={() => setBroken(true)} />;
}

export function PhotoPage() {
  const { query } = useAddress();
  const work = useStore(workplace);
  const path = keyParameter(query);
  const index = numberParameter(query, 'n');
  const list = useGallery(work?.is_open ?? false);
  useTitle(nameOf(path));
  useEffect(() => {
    if (index !== undefined) {
      list.need(Math.max(0, index - 1), index + 2);
    }
  }, [index, list.round]);
  // The number is a hint: the gallery may have grown since the link was made.
  const found = index === undefined ? undefined : list.at(index);
  const item = found?.key === path ? found : undefined;
  const neighbour = (step: number) => {
    const to = item && index !== undefined ? list.at(index + step) : undefined;
    return to && index !== undefined ? photoLink(to, index + step) : undefined;
  };
  const before = neighbour(-1);
  const after = neighbour(1);
  const back = `/gallery${index !== undefined ? `?at=${index}` : ''}`;
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.target instanceof HTMLVideoElement || event.target instanceof HTMLInputElement || event.altKey || event.ctrlKey || event.metaKey) {
        return;
      }
      const to = { ArrowLeft: before, ArrowRight: after, Escape: back }[event.key];
      if (to) {
        event.preventDefault();
        go(to, { replace: event.key !== 'Escape' });
      }
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, [before, after, back]);
  if (!work?.is_open) {
    return <NotOpened title="Photo" />;
  }
  const step = (to: string | undefined, label: string, sign: string) => (
    <button type="button" class="photo-step" disabled={!to} aria-label={label} onClick={() => to && go(to, { replace: true })}>{sign}</button>
  );
  return (
    <div class="page page-full page-wide photo">
      <div class="page-head">
        <h1 class="file-title"><bdi>{item?.name ?? nameOf(path)}</bdi></h1>
        <div class="page-tools">
          <Link to={back} class="button">Back to the gallery</Link>
          <Link to={fileLink(path, false)} class="button">Facts</Link>
          <a class="button" href={url('/file', { path: new Key(path), download: 1 })} download>Download</a>
        </div>
      </div>
      <div class="photo-frame">
        {step(before, 'The one before', '‹')}
        <Shown key={path} path={path} item={item} />
        {step(after, 'The next one', '›')}
      </div>
      <p class="photo-foot faint" role="status">
        {item ? `${count((index ?? 0) + 1)} of ${count(list.total ?? 0)}, ${dayName(item.day)}${item.taken ? `, ${momentOf(item.taken).slice(11)}` : ''}, ${size(item.size)}` : '\u00a0'}
        {item?.width && item.height ? `, ${item.width} x ${item.height}` : ''}
        {item?.lost_bytes ? `, ${size(item.lost_bytes)} of it lost` : ''}
      </p>
    </div>
  );
}
