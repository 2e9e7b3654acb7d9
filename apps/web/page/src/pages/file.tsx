// A file: what is known of it, and what is in it, as far as a browser can show that without running anything.
import { useState } from 'preact/hooks';
import { get, Key, url } from '../api/client';
import { workplace } from '../api/state';
import type { FileInfo } from '../api/types';
import { nameOf, parentOf, readable } from '../core/keys';
import { keyParameter, parameter, useAddress } from '../core/router';
import { useStore } from '../core/store';
import { bothNotations, counted, exactSize, modeText, moment, size } from '../core/text';
import { Link, Problem, Severity, Skeleton } from '../parts/basic';
import { useAction, useLoad, useTitle } from '../parts/hooks';
import { download } from '../parts/picked';
import { BytesPreview, SqlitePreview, TextPreview } from '../parts/previews';
import { Crumbs } from './files';
import { NotOpened } from './waiting';

type Shown = 'picture' | 'video' | 'audio' | 'text' | 'tables' | 'bytes';

function shownAs(file: FileInfo): Shown {
  if (file.type_shown.startsWith('image/')) {
    return 'picture';
  }
  if (file.type_shown.startsWith('video/')) {
    return 'video';
  }
  if (file.type_shown.startsWith('audio/')) {
    return 'audio';
  }
  if (file.kind === 'database') {
    return 'tables';
  }
  return file.type_shown.startsWith('text/') || file.kind === 'text' ? 'text' : 'bytes';
}

function Picture({ address, name, onBroken }: { address: string; name: string; onBroken: () => void }) {
  return <img class="preview-picture" src={address} alt={name} onError={onBroken} />;
}

function Preview({ file, deleted }: { file: FileInfo; deleted: boolean }) {
  const own = shownAs(file);
  const [choice, setChoice] = useState<Shown>(own);
  const [isBroken, setBroken] = useState(false);
  const address = url('/file', { path: new Key(file.key), deleted: deleted ? 1 : 0 });
  const ways: { value: Shown; label: string }[] = [
    ...(own !== 'bytes' && own !== 'text' ? [{ value: own, label: { picture: 'Picture', video: 'Video', audio: 'Sound', tables: 'Tables' }[own] ?? own }] : []),
    { value: 'text', label: 'Text' },
    { value: 'bytes', label: 'Bytes' },
  ];
  return (
    <section aria-labelledby="content-title" class="preview">
      <div class="page-head">
        <h2 id="content-title">What is in it</h2>
        <div class="choice" role="group" aria-label="Show it as">
          {ways.map((way) => (
            <button type="button" key={way.value} aria-pressed={choice === way.value} onClick={() => setChoice(way.value)}>{way.label}</button>
          ))}
        </div>
      </div>
      {file.size === 0 && <p class="empty">The file is empty: 0 bytes.</p>}
      {file.size > 0 && choice === 'picture' && !isBroken && <Picture address={address} name={file.name} onBroken={() => setBroken(true)} />}
      {file.size > 0 && (choice === 'picture' || choice === 'video') && isBroken && (
        <p class="notice">This browser cannot show it. {file.lost_bytes ? `${size(file.lost_bytes)} of it could not be read.` : 'It may be of a kind that only some programs open, or broken.'} It can be downloaded, or looked at as bytes.</p>
      )}
      {file.size > 0 && choice === 'video' && !isBroken && <video class="preview-picture" controls preload="metadata" src={address} aria-label={file.name} onError={() => setBroken(true)} />}
      {file.size > 0 && choice === 'audio' && <audio controls preload="metadata" src={address} aria-label={file.name} />}
      {file.size > 0 && choice === 'text' && <TextPreview address={address} size={file.size} />}
      {file.size > 0 && choice === 'bytes' && <BytesPreview address={address} size={file.size} lost={file.lost} />}
      {file.size > 0 && choice === 'tables' && <SqlitePreview file={file.key} deleted={deleted} />}
    </section>
  );
}

/** Where in the file bytes are lost: a bar to scale, and the places as text. */
function Lost({ file }: { file: FileInfo }) {
  const lost = file.lost;
  const shown = lost.slice(0, 20);
  return (
    <section aria-labelledby="lost-title" class="panel">
      <h2 id="lost-title"><Severity value="error" /> {size(file.lost_bytes ?? 0)} of it could not be read</h2>
      <svg class="lost-bar" width="100%" height="16" role="img" aria-label={`${counted(lost.length, 'lost place')} in the file`}>
        <rect class="lost-ground" width="100%" height="16" />
        {lost.map((each) => (
          <rect key={each.at} class="lost-part" x={`${(each.at / Math.max(1, file.size)) * 100}%`} width={`max(2px, ${(each.length / Math.max(1, file.size)) * 100}%)`} height="16" />
        ))}
      </svg>
      <p>These bytes are zeros in what is shown and downloaded.</p>
      <ul class="faint">
        {shown.map((each) => <li key={each.at}>{counted(each.length, 'byte')} at {bothNotations(each.at)} of the file</li>)}
        {lost.length > shown.length && <li>and {counted(lost.length - shown.length, 'place')} more</li>}
      </ul>
    </section>
  );
}

/** As text; where it is none, its bytes as they go into an address beside it. */
function FullPath({ of }: { of: string }) {
  const text = readable(of);
  return (
    <>
      <code><bdi>{text}</bdi></code>
      {text.includes('\uFFFD') && <span class="faint"> its bytes: {of}</span>}
    </>
  );
}

function Facts({ file }: { file: FileInfo }) {
  return (
    <dl class="facts">
      <div><dt>Size</dt><dd>{exactSize(file.size)}</dd></div>
      <div><dt>Changed</dt><dd>{moment(file.mtime)} UTC</dd></div>
      <div><dt>Kind</dt><dd>{file.kind ?? file.type} <span class="faint">{file.type_shown}</span></dd></div>
      {file.mode !== undefined && (
        <div><dt>Rights on the phone</dt><dd><code>{modeText(file.mode, file.type)}</code> <span class="faint">owner {file.uid ?? '?'}, group {file.gid ?? '?'}</span></dd></div>
      )}
      {file.target && <div><dt>Points to</dt><dd><bdi>{file.target}</bdi></dd></div>}
      {file.deleted && <div><dt>Deleted</dt><dd>yes{file.confidence && `; how sure: ${file.confidence}`}</dd></div>}
      {file.problem && <div><dt>Problem</dt><dd>{file.problem}</dd></div>}
      {file.first_byte !== null && file.first_byte !== undefined && (
        <div><dt>Place on the chip</dt><dd><Link to={`/hex?at=${file.first_byte}`}>{bothNotations(file.first_byte)}</Link> <span class="faint">of its first byte, in the dump</span></dd></div>
      )}
      <div><dt>Full path</dt><dd class="break"><FullPath of={file.key} /></dd></div>
    </dl>
  );
}

export function FilePage() {
  const { query } = useAddress();
  const work = useStore(workplace);
  const file = keyParameter(query);
  const deleted = parameter(query, 'deleted') === '1';
  const info = useLoad(work?.is_open ? `${file} ${String(deleted)}` : null, (signal) =>
    get<FileInfo>('/file-info', { path: new Key(file), deleted: deleted ? 1 : 0 }, signal));
  const take = useAction((format: 'zip' | 'tar') => download([file], deleted, format));
  useTitle(nameOf(file));
  if (!work?.is_open) {
    return <NotOpened title="File" />;
  }
  return (
    <div class="page">
      <Crumbs path={parentOf(file)} deleted={deleted} />
      <h1 class="file-title"><bdi>{info.value?.name ?? nameOf(file)}</bdi></h1>
      {info.value?.deleted && <p><span class="mark mark-deleted">deleted</span></p>}
      {info.error && <Problem facts={info.error} onAgain={info.reload} />}
      {!info.value && !info.error && <Skeleton lines={8} label="Loading the file" />}
      {info.value && (
        <>
          <div class="buttons">
            <a class="button primary" href={url('/file', { path: new Key(file), deleted: deleted ? 1 : 0, download: 1 })} download>Download it</a>
            <button type="button" disabled={take.isRunning} onClick={() => take.run('zip')}>With its hash, as zip</button>
          </div>
          {take.error && <Problem facts={take.error} />}
          <Facts file={info.value} />
          {info.value.lost.length > 0 && <Lost file={info.value} />}
          {info.value.type === 'file' && <Preview key={file} file={info.value} deleted={deleted} />}
        </>
      )}
    </div>
  );
}
