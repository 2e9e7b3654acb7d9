// Export: which files, where to, how it goes, and what it left behind.
import { useState } from 'preact/hooks';
import { send } from '../api/client';
import { jobs, putJob, session, workplace } from '../api/state';
import type { Job } from '../api/types';
import { useStore } from '../core/store';
import { count, counted, size } from '../core/text';
import { Choice, Copy, Empty, Problem, sentence } from '../parts/basic';
import { useAction, useTitle } from '../parts/hooks';
import { JobPanel } from '../parts/progress';
import { FolderPicker } from './start';
import { NotOpened } from './waiting';

const kinds = [
  { id: 'image', label: 'Photos' },
  { id: 'video', label: 'Videos' },
  { id: 'audio', label: 'Sound' },
  { id: 'document', label: 'Documents' },
  { id: 'database', label: 'Databases', term: 'contacts, messages' },
] as const;
type Format = 'folder' | 'zip' | 'tar' | 'pages';
const isOneFile = (format: Format) => format === 'zip' || format === 'tar';

function Result({ job }: { job: Job }) {
  const result = job.result;
  if (!result || job.state !== 'done') {
    return null;
  }
  const failed = result.failed ?? [];
  const facts = [
    counted(result.files ?? 0, 'file'),
    result.bytes !== undefined ? size(result.bytes) : '',
    result.kinds ? '' : counted(result.folders ?? result.directories ?? 0, 'folder'),
    result.symlinks ? counted(result.symlinks, 'link') : '',
    result.resumed ? `${count(result.resumed)} of them finished by an earlier run` : '',
  ].filter((each) => each !== '');
  const path = (label: string, value: string | undefined, term: string) => value && (
    <div><dt>{label} <span class="faint">{term}</span></dt><dd><bdi class="break">{value}</bdi> <Copy text={value} label={`Copy the place of: ${label}`} /></dd></div>
  );
  return (
    <div class="export-result">
      <p><strong>{facts.join(', ')}.</strong> {failed.length === 0 && !result.kinds ? 'All of them whole.' : ''}</p>
      {result.kinds && (
        <p>{result.kinds.filter((kind) => kind.items > 0).map((kind) => `${kind.title}: ${count(kind.items)}`).join(', ')}</p>
      )}
      <dl class="facts">
        {path('Open this in a browser', result.index, 'works without Salvage')}
        {path('What is there', result.manifest, 'manifest')}
        {path('Hashes', result.sums, 'check with sha256sum -c')}
      </dl>
      {failed.length > 0 && (
        <details open={failed.length <= 20}>
          <summary>{counted(failed.length, 'file')} not whole</summary>
          <ul class="failed-list" tabIndex={0} aria-label="Files that are not whole">
            {failed.slice(0, 500).map((each) => (
              <li key={each.path}><bdi>{each.path}</bdi> <span class="faint">{each.partial ? `${size(each.lost_bytes)} lost: ` : 'not taken: '}{sentence(each.reason)}</span></li>
            ))}
            {failed.length > 500 && <li class="faint">and {count(failed.length - 500)} more, in the manifest</li>}
          </ul>
        </details>
      )}
    </div>
  );
}

function Form({ isBusy }: { isBusy: boolean }) {
  const home = useStore(session)?.home;
  const [to, setTo] = useState('');
  const [format, setFormat] = useState<Format>('folder');
  const [what, setWhat] = useState<'all' | 'kinds'>('all');
  const [chosen, setChosen] = useState<readonly string[]>(['image', 'video']);
  const [deleted, setDeleted] = useState(false);
  const [isPicking, setPicking] = useState(false);
  const begin = useAction(async () => {
    const choice = format === 'pages' ? {} : { deleted, ...(what === 'kinds' ? { kinds: chosen } : {}) };
    putJob(await send<Job>('POST', '/exports', { to: to.trim(), format, ...choice }));
  });
  const toggle = (id: string) => setChosen(chosen.includes(id) ? chosen.filter((each) => each !== id) : [...chosen, id]);
  const isPages = format === 'pages';
  const isReady = to.trim() !== '' && (isPages || what === 'all' || chosen.length > 0);
  const pick = (folder: string) => {
    setTo(`${folder.replace(/\/$/, '')}/${isOneFile(format) ? `phone-files.${format}` : isPages ? 'my-phone' : 'phone-files'}`);
    setPicking(false);
  };
  const reshape = (value: Format) => {
    setFormat(value);
    setTo((now) => (now === '' ? '' : now.replace(/\.(zip|tar)$/, '') + (isOneFile(value) ? `.${value}` : '')));
  };
  return (
    <form class="panel" onSubmit={(event) => { event.preventDefault(); if (isReady) { begin.run(); } }}>
      <h2>How</h2>
      <Choice label="As" value={format} options={[{ value: 'folder', label: 'Files in a folder' }, { value: 'zip', label: 'One zip file' }, { value: 'tar', label: 'One tar file' }, { value: 'pages', label: 'Pages to read' }]} onChange={reshape} />
      <p class="faint export-how">{isPages
        ? 'Photos by day, contacts a new phone takes in, conversations to read, and one page to open them all.'
        : 'Every file as it is on the phone, in its own folders.'}</p>
      <h2>What</h2>
      <Choice label="What to take out" value={isPages ? 'all' : what} options={[{ value: 'all', label: 'Everything' }, { value: 'kinds', label: 'Only some kinds' }]} onChange={setWhat} />
      <fieldset class="checks" disabled={isPages || what !== 'kinds'}>
        <legend class="only-heard">Kinds</legend>
        {kinds.map((kind) => (
          <label key={kind.id} class="check">
            <input type="checkbox" checked={chosen.includes(kind.id)} onChange={() => toggle(kind.id)} /> {kind.label}
            {'term' in kind && <span class="faint"> {kind.term}</span>}
          </label>
        ))}
      </fieldset>
      <label class="check"><input type="checkbox" checked={deleted && !isPages} disabled={isPages} onChange={() => setDeleted(!deleted)} /> Deleted files instead <span class="faint">as far as they can still be read</span></label>
      <h2>Where to</h2>
      <div class="field">
        <label for="export-to">{isOneFile(format) ? 'A new file on this computer' : 'A new or empty folder on this computer'}</label>
        <div class="with-button">
          <input id="export-to" type="text" value={to} spellcheck={false} placeholder={`/home/ann/phone-files${isOneFile(format) ? `.${format}` : ''}`}
            onInput={(event) => setTo(event.currentTarget.value)} />
          <button type="button" aria-expanded={isPicking} onClick={() => setPicking(!isPicking)}>Pick…</button>
        </div>
      </div>
      {isPicking && <FolderPicker from={home} picks="folders" onPick={pick} />}
      <p class="faint">Nothing is overwritten. Beside the files lie a manifest and their hashes. An interrupted export to a folder goes on where it was.</p>
      <div class="buttons"><button type="submit" class="primary" disabled={!isReady || isBusy || begin.isRunning}>Take them out</button></div>
      {begin.error && <Problem facts={begin.error} />}
    </form>
  );
}

export function ExportPage() {
  const work = useStore(workplace);
  const exports = useStore(jobs).filter((job) => job.kind === 'export');
  useTitle('Export');
  if (!work?.is_open) {
    return <NotOpened title="Export" />;
  }
  return (
    <div class="page">
      <h1>Take files out</h1>
      <p>To a disk of this computer, with their own times, and with a list that proves them. To take only some, mark them in Files or Gallery and download them.</p>
      <Form isBusy={exports.some((job) => job.state === 'running')} />
      <section aria-labelledby="exports-title">
        <h2 id="exports-title">Taken out so far</h2>
        {exports.length === 0 && <Empty title="Nothing was taken out since the server was started." />}
        {exports.map((job) => (
          <div key={job.id} class="export-job">
            <JobPanel job={job} />
            <Result job={job} />
          </div>
        ))}
      </section>
      <section aria-labelledby="report-title">
        <h2 id="report-title">The report</h2>
        <p>What was found and by what proof, as one page for a customer or a court. <a href="/api/v1/report.html" target="_blank" rel="noopener">Open the report</a></p>
      </section>
    </div>
  );
}
