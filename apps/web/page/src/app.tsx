// The frame: rail, top bar, the view that the address names, and what is said when the server is not there.
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { connection, jobs, workplace } from './api/state';
import type { Job, Workplace } from './api/types';
import { go, useAddress } from './core/router';
import { useStore } from './core/store';
import { size } from './core/text';
import { Link, Problem, Skeleton } from './parts/basic';
import { useIsPhone } from './parts/hooks';
import { Icon } from './parts/icons';
import { ThemeSwitch } from './parts/theme';
import { ConversationPage } from './pages/conversation';
import { ExportPage } from './pages/export';
import { FilePage } from './pages/file';
import { FilesPage } from './pages/files';
import { GalleryPage } from './pages/gallery';
import { HexPage } from './pages/hex';
import { ItemPage } from './pages/item';
import { ContactsPage, MessagesPage } from './pages/items';
import { LogPage } from './pages/log';
import { MapPage } from './pages/map';
import { PhotoPage } from './pages/photo';
import { RestorePage } from './pages/restore';
import { StartPage } from './pages/start';
import { UnlockPage } from './pages/unlock';
import { VerdictPage } from './pages/verdict';
import { NothingOpen, Opening } from './pages/waiting';

interface View {
  path: string;
  label: string;
  icon: string;
  page: () => ComponentChildren;
  /** What it needs: a dump that was looked at, or files that can be read. */
  isInRail: boolean;
}

const views: readonly View[] = [
  { path: '/verdict', label: 'Verdict', icon: 'verdict', page: () => <VerdictPage />, isInRail: true },
  { path: '/map', label: 'Map', icon: 'map', page: () => <MapPage />, isInRail: true },
  { path: '/unlock', label: 'Unlock', icon: 'unlock', page: () => <UnlockPage />, isInRail: true },
  { path: '/files', label: 'Files', icon: 'files', page: () => <FilesPage />, isInRail: true },
  { path: '/gallery', label: 'Gallery', icon: 'gallery', page: () => <GalleryPage />, isInRail: true },
  { path: '/contacts', label: 'Contacts', icon: 'contacts', page: () => <ContactsPage />, isInRail: true },
  { path: '/messages', label: 'Messages', icon: 'messages', page: () => <MessagesPage />, isInRail: true },
  { path: '/hex', label: 'Hex', icon: 'hex', page: () => <HexPage />, isInRail: true },
  { path: '/export', label: 'Export', icon: 'export', page: () => <ExportPage />, isInRail: true },
  { path: '/restore', label: 'Restore', icon: 'restore', page: () => <RestorePage />, isInRail: true },
  { path: '/log', label: 'Log', icon: 'log', page: () => <LogPage />, isInRail: true },
  { path: '/file', label: 'File', icon: 'file', page: () => <FilePage />, isInRail: false },
  { path: '/item', label: 'Item', icon: 'contacts', page: () => <ItemPage />, isInRail: false },
  { path: '/conversation', label: 'Conversation', icon: 'messages', page: () => <ConversationPage />, isInRail: false },
  { path: '/photo', label: 'Photo', icon: 'image', page: () => <PhotoPage />, isInRail: false },
];
const inRail = views.filter((view) => view.isInRail);
const onPhoneBar = ['/verdict', '/unlock', '/files', '/gallery'];
const belongsTo: Record<string, string> = { '/file': '/files', '/photo': '/gallery', '/item': '/contacts', '/conversation': '/messages' };

function RailLink({ view, here }: { view: View; here: string }) {
  return (
    <Link to={view.path} {...(here === view.path ? { 'aria-current': 'page' as const } : {})}>
      <Icon name={view.icon} />
      <span>{view.label}</span>
    </Link>
  );
}

function Rail({ here }: { here: string }) {
  const isPhone = useIsPhone();
  const [isMore, setMore] = useState(false);
  useEffect(() => setMore(false), [here]);
  if (!isPhone) {
    return (
      <nav class="rail" aria-label="Views">
        {inRail.map((view) => <RailLink key={view.path} view={view} here={here} />)}
        <div class="rail-foot"><ThemeSwitch /></div>
      </nav>
    );
  }
  const rest = inRail.filter((view) => !onPhoneBar.includes(view.path));
  return (
    <nav class="bottom-bar" aria-label="Views">
      {isMore && (
        <div class="more" id="more-views">
          {rest.map((view) => <RailLink key={view.path} view={view} here={here} />)}
          <ThemeSwitch />
        </div>
      )}
      {inRail.filter((view) => onPhoneBar.includes(view.path)).map((view) => <RailLink key={view.path} view={view} here={here} />)}
      <button type="button" aria-expanded={isMore} aria-controls="more-views" onClick={() => setMore(!isMore)}
        class={rest.some((view) => view.path === here) ? 'is-here' : ''}>
        <Icon name="more" />
        <span>More</span>
      </button>
    </nav>
  );
}

/** The name of a file or folder; with its folder's where it says nothing by itself. */
function lastPart(path: string): string {
  const parts = path.replace(/\/+$/, '').split('/');
  const last = parts.pop() ?? path;
  return last === 'case' ? `${parts.pop() ?? ''}/${last}` : last;
}

function stateWords(work: Workplace, running: Job | undefined): string {
  switch (work.state) {
    case 'empty': return 'Nothing open';
    case 'opening': return 'Being looked at';
    case 'failed': return 'Could not be opened';
    case 'gone': return 'The dump is gone';
    case 'open': break;
  }
  if (running?.kind === 'search') {
    return running.state === 'paused' ? 'Search paused' : 'Searching';
  }
  return work.is_open ? 'Open' : 'Locked';
}

/** The one thing to do next. */
function PrimaryAction({ work, here }: { work: Workplace; here: string }) {
  if (work.state === 'empty' || work.state === 'failed' || work.state === 'gone') {
    return here === '/' ? null : <Link to="/" class="primary">Open a dump</Link>;
  }
  if (work.state !== 'open') {
    return null;
  }
  if (work.is_open) {
    return ['/files', '/gallery', '/contacts', '/messages'].includes(here)
      ? <Link to="/export" class="primary">Take files out</Link>
      : <Link to="/files" class="primary">See the files</Link>;
  }
  if (work.verdict?.code === 'needs-secret') {
    return here === '/unlock' ? null : <Link to="/unlock" class="primary">Unlock</Link>;
  }
  return work.verdict?.code === 'needs-phone-key' && here !== '/restore'
    ? <Link to="/restore" class="primary">How to put it back</Link>
    : null;
}

function TopBar({ work, here }: { work: Workplace | null; here: string }) {
  const all = useStore(jobs);
  const running = all.find((job) => job.kind === 'search' && (job.state === 'running' || job.state === 'paused'));
  const name = work?.case ?? work?.path;
  return (
    <header class="top-bar">
      <Link to={work?.state === 'open' ? '/start' : '/'} class="brand" aria-label="Salvage: open another dump">Salvage</Link>
      <div class="top-case">
        {work && name && (
          <>
            <bdi class="top-name" title={name}>{lastPart(name)}</bdi>
            <span class="top-source faint">
              <bdi title={work.path ?? ''}>{work.path ? lastPart(work.path) : ''}</bdi>
              {work.size ? `, ${size(work.size)}` : ''}
            </span>
          </>
        )}
      </div>
      {work && <span class={`chip chip-${work.state === 'open' ? (work.is_open ? 'good' : 'ask') : work.state}`}>{stateWords(work, running)}</span>}
      <div class="top-action">{work && <PrimaryAction work={work} here={here} />}</div>
    </header>
  );
}

function ConnectionBanner() {
  const state = useStore(connection);
  return (
    <div role="status" class="banner-place">
      {state === 'lost' && (
        <div class="banner">
          <strong>The server does not answer.</strong> What is shown here may be old. Start it again with <code>salvage serve</code>; nothing
          that was done is lost, and this page looks for it every few seconds.
        </div>
      )}
      {state === 'anew' && (
        <div class="banner">
          <strong>The server was started anew: open the link it printed.</strong> It stands in the terminal in which <code>salvage serve</code> runs.
          After that this tab goes on by itself.
        </div>
      )}
    </div>
  );
}

function body(here: string, work: Workplace | null, state: string): ComponentChildren {
  if (!work) {
    return state === 'joining' ? <div class="page"><Skeleton lines={6} /></div> : null;
  }
  if (here === '/' || here === '/start') {
    return <StartPage />;
  }
  const view = views.find((each) => each.path === here);
  if (!view) {
    return <NothingOpen title="There is no such view" />;
  }
  if (work.state === 'empty') {
    return <NothingOpen title="Nothing is open yet" />;
  }
  if (work.state === 'opening') {
    return <Opening />;
  }
  if (work.state === 'failed' || work.state === 'gone') {
    return (
      <div class="page">
        <h1>{work.state === 'gone' ? 'The dump cannot be read any more' : 'This could not be opened'}</h1>
        {work.error
          ? <Problem facts={work.error.error} />
          : <p>Look whether the disk it lies on is still there. What was found so far is in the case.</p>}
        <p><Link to="/start" class="button">Open a dump or a case</Link></p>
        {here === '/log' && <LogPage />}
      </div>
    );
  }
  return view.page();
}

export function App() {
  const address = useAddress();
  const work = useStore(workplace);
  const state = useStore(connection);
  const here = address.path.length > 1 ? address.path.replace(/\/+$/, '') : address.path;
  useEffect(() => {
    if (here === '/' && (work?.state === 'open' || work?.state === 'opening')) {
      go('/verdict', { replace: true });
    }
  }, [here, work?.state]);
  return (
    <div class="frame">
      <a class="skip" href="#main" onClick={(event) => { event.preventDefault(); document.getElementById('main')?.focus(); }}>
        Skip to the content
      </a>
      <TopBar work={work} here={belongsTo[here] ?? here} />
      <Rail here={belongsTo[here] ?? here} />
      <main id="main" tabIndex={-1}>
        <ConnectionBanner />
        {body(here, work, state)}
      </main>
    </div>
  );
}
