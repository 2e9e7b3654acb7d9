// Start: a dump by its path or picked from a folder, the sample phone, or a case that goes on.
import { useEffect, useState } from 'preact/hooks';
import { get, send } from '../api/client';
import { join, jobs, putJob, session, workplace } from '../api/state';
import type { Folder, Job } from '../api/types';
import { go } from '../core/router';
import { useStore } from '../core/store';
import { size } from '../core/text';
import { Empty, Link, Problem, Skeleton } from '../parts/basic';
import { useAction, useLoad, useTitle } from '../parts/hooks';
import { Icon } from '../parts/icons';
import { JobPanel } from '../parts/progress';

/** A folder of this computer; what is picked goes to `onPick`. */
export function FolderPicker({ from, onPick, picks }: {
  from: string | undefined;
  onPick: (path: string, kind: 'folder' | 'file' | 'case' | 'other') => void;
  picks: 'files' | 'folders';
}) {
  const [path, setPath] = useState<string | undefined>(from);
  const folder = useLoad(`folder ${path ?? ''}`, (signal) => get<Folder>('/folders', { path }, signal));
  const [last, setLast] = useState<Folder | undefined>();
  useEffect(() => {
    if (folder.value) {
      setLast(folder.value);
    }
  }, [folder.value]);
  const shown = folder.value ?? last;
  const entries = shown?.entries.filter((each) => picks === 'files' || each.kind === 'folder' || each.kind === 'case') ?? [];
  return (
    <div class="picker">
      <div class="picker-head">
        <button type="button" disabled={!shown?.parent} onClick={() => shown?.parent && setPath(shown.parent)}>Up</button>
        <bdi class="picker-path">{shown?.path ?? path ?? ''}</bdi>
        {picks === 'folders' && shown && <button type="button" onClick={() => onPick(shown.path, 'folder')}>Take this folder</button>}
      </div>
      {folder.error && <Problem facts={folder.error} onAgain={folder.reload} />}
      {!shown && !folder.error && <Skeleton lines={6} label="Listing the folder" />}
      {shown && (
        <ul class="picker-list" tabIndex={0} aria-label="What is in this folder">
          {entries.map((entry) => (
            <li key={entry.path}>
              <button type="button" class="row-button"
                onClick={() => (entry.kind === 'folder' ? setPath(entry.path) : onPick(entry.path, entry.kind))}>
                <Icon name={entry.kind === 'folder' ? 'folder' : entry.kind === 'case' ? 'case' : 'file'} />
                <bdi class="cut">{entry.name}</bdi>
                <span class="faint number">
                  {entry.kind === 'folder' ? 'folder' : entry.kind === 'case' ? 'case: goes on' : entry.size !== null ? size(entry.size) : ''}
                </span>
              </button>
            </li>
          ))}
          {entries.length === 0 && <li><Empty title="Nothing here that could be opened." /></li>}
        </ul>
      )}
      {shown?.is_cut && <p class="faint">There is more in this folder than is listed here. Type the path above instead.</p>}
    </div>
  );
}

/** By what right one acts: asked once for a case, kept in its log. */
function RightField({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  return (
    <label class="field">
      <span>By what right do you open this phone? <span class="faint">Kept in the case log, nowhere else. May be left empty for now.</span></span>
      <input type="text" maxLength={1000} value={value} placeholder="It is my own phone"
        onInput={(event) => onChange(event.currentTarget.value)} />
    </label>
  );
}

function OpenForm() {
  const home = useStore(session)?.home;
  const [path, setPath] = useState('');
  const [right, setRight] = useState('');
  const [more, setMore] = useState({ layout: '', footer: '', case: '' });
  const open = useAction(async (what: string) => {
    const job = await send<Job>('POST', '/workplace', {
      path: what,
      ...(right.trim() !== '' ? { right: right.trim() } : {}),
      ...(more.case.trim() !== '' ? { case: more.case.trim() } : {}),
      ...(more.footer.trim() !== '' ? { footer_file: more.footer.trim() } : {}),
      ...(more.layout.trim() !== '' ? { layout_files: [more.layout.trim()] } : {}),
    });
    putJob(job);
    await join();
    go('/verdict');
  });
  const field = (name: keyof typeof more, label: string, term: string) => (
    <label class="field">
      <span>{label} <span class="faint">{term}</span></span>
      <input type="text" value={more[name]} spellcheck={false} onInput={(event) => setMore({ ...more, [name]: event.currentTarget.value })} />
    </label>
  );
  return (
    <form class="panel" onSubmit={(event) => { event.preventDefault(); if (path.trim() !== '') { open.run(path.trim()); } }}>
      <h2>Open a dump or go on with a case</h2>
      <label class="field">
        <span>Where it is on this computer <span class="faint">dump, partition image or case folder</span></span>
        <input type="text" value={path} spellcheck={false} placeholder="/home/ann/phone.img" required
          onInput={(event) => setPath(event.currentTarget.value)} />
      </label>
      <RightField value={right} onChange={setRight} />
      <details>
        <summary>The phone's layout or key lies in another file</summary>
        {field('layout', 'Layout file', 'scatter, fstab')}
        {field('footer', 'File with the key', 'crypto footer, metadata partition')}
        {field('case', 'Where the case is kept', 'absent: beside the dump')}
      </details>
      <div class="buttons">
        <button type="submit" class="primary" disabled={open.isRunning || path.trim() === ''}>Look at it</button>
      </div>
      {open.error && <Problem facts={open.error} />}
      <h3>Or pick it</h3>
      <FolderPicker from={home} picks="files" onPick={(picked) => setPath(picked)} />
    </form>
  );
}

function SamplePhone() {
  const [begun, setBegun] = useState<string | undefined>();
  const sample = useAction(async () => {
    const made = await send<Job>('POST', '/sample-phone', {});
    setBegun(made.id);
    putJob(made);
  });
  const job = useStore(jobs).find((each) => each.kind === 'sample-phone');
  const work = useStore(workplace);
  useEffect(() => {
    if (job?.id === begun && job?.state === 'done' && (work?.state === 'opening' || work?.state === 'open')) {
      go('/verdict');
    }
  }, [job?.state, work?.state]);
  return (
    <section class="panel">
      <h2>Try the sample phone</h2>
      <p>A phone that never existed: Android 7, encrypted, locked. It is made on this computer in a second, so that you can see what happens before
        you trust a real one to this.</p>
      <div class="buttons">
        <button type="button" disabled={sample.isRunning || job?.state === 'running'} onClick={() => sample.run()}>Make a sample phone</button>
      </div>
      {sample.error && <Problem facts={sample.error} />}
      {job && (job.state === 'running' || job.state === 'failed') && <JobPanel job={job} />}
    </section>
  );
}

export function StartPage() {
  const work = useStore(workplace);
  useTitle('Start');
  return (
    <div class="page">
      <h1>What is on the phone, and can it be read?</h1>
      <p>Give Salvage a copy of the phone's memory <span class="faint">(a dump)</span>. It looks, tells you what it is, and writes nothing to it.</p>
      {work?.state === 'open' && (
        <p class="panel">
          Open now: <bdi>{work.case ?? work.path}</bdi>. <Link to="/verdict">Go to its verdict</Link>. Opening another one closes it; its work is kept.
        </p>
      )}
      <div class="columns">
        <OpenForm />
        <SamplePhone />
      </div>
    </div>
  );
}
