// Unlock: type the secret, draw it, or let this computer search for it.
import { useEffect, useRef, useState } from 'preact/hooks';
import { get, send } from '../api/client';
import { jobs, putJob, workplace } from '../api/state';
import type { Attack, Attacks, Job, Unlocked } from '../api/types';
import { isLegal, patternText } from '../core/pattern';
import { useStore } from '../core/store';
import { count, duration } from '../core/text';
import { Choice, Link, Problem, Skeleton } from '../parts/basic';
import { useAction, useLoad, useTitle } from '../parts/hooks';
import { PatternPad } from '../parts/pattern_pad';
import { JobPanel } from '../parts/progress';
import { FolderPicker } from './start';

/** What came of the last try; a wrong secret is no error. */
function useTry() {
  const [said, setSaid] = useState('');
  const action = useAction(async (body: Record<string, unknown>, words: string) => {
    setSaid('');
    const answer = await send<Unlocked>('POST', '/unlock', body);
    workplace.update((work) => (work ? { ...work, is_open: answer.is_open, verdict: answer.verdict } : work));
    setSaid(answer.is_open ? 'It opens.' : `${words} does not open it.`);
  });
  return { ...action, said };
}

function TypeIt() {
  const [secret, setSecret] = useState('');
  const [isShown, setShown] = useState(false);
  const trial = useTry();
  return (
    <form class="panel" onSubmit={(event) => { event.preventDefault(); if (secret !== '') { trial.run({ secret }, 'This secret'); } }}>
      <h2>Type it</h2>
      <label class="field">
        <span>PIN or password</span>
        <input type={isShown ? 'text' : 'password'} value={secret} autocomplete="off" spellcheck={false} maxLength={1024}
          onInput={(event) => setSecret(event.currentTarget.value)} />
      </label>
      <label class="check"><input type="checkbox" checked={isShown} onChange={() => setShown(!isShown)} /> Show what I type</label>
      <div class="buttons"><button type="submit" class="primary" disabled={secret === '' || trial.isRunning}>Try it</button></div>
      <p role="status" class="said">{trial.isRunning ? 'Trying it…' : trial.said}</p>
      {trial.error && <Problem facts={trial.error} />}
    </form>
  );
}

const sides = ['3', '4', '5', '6'] as const;

function DrawIt() {
  const [side, setSide] = useState<(typeof sides)[number]>('3');
  const [dots, setDots] = useState<readonly number[]>([]);
  const trial = useTry();
  const text = patternText(dots);
  return (
    <section class="panel" aria-labelledby="draw-title">
      <h2 id="draw-title">Draw it</h2>
      <Choice label="Dots on the phone" value={side} options={sides.map((value) => ({ value, label: `${value} x ${value}` }))}
        onChange={(value) => { setSide(value); setDots([]); }} />
      <div class="pad-row">
        <PatternPad side={Number(side)} dots={dots} onChange={setDots} />
        <div class="pad-beside">
          <p class="faint">As digits</p>
          <output class="pad-digits">{text === '' ? '\u2013' : text}</output>
          <p class="faint">{isLegal(dots) ? `${dots.length} dots` : 'A phone takes 4 dots or more.'}</p>
          <div class="buttons">
            <button type="button" class="primary" disabled={!isLegal(dots) || trial.isRunning}
              onClick={() => trial.run({ pattern: text, side: Number(side) }, `The pattern ${text}`)}>Try this pattern</button>
            <button type="button" disabled={dots.length === 0} onClick={() => setDots([])}>Clear</button>
          </div>
        </div>
      </div>
      <p role="status" class="said">{trial.isRunning ? 'Trying it…' : trial.said}</p>
      {trial.error && <Problem facts={trial.error} />}
    </section>
  );
}

function AttackRow({ attack, isChosen, onToggle }: { attack: Attack; isChosen: boolean; onToggle: () => void }) {
  const facts = [
    attack.candidates !== null ? `${count(attack.candidates)} possibilities` : 'as many as the list has',
    attack.done ? `${count(attack.done)} of them tried` : '',
  ].filter((each) => each !== '').join(', ');
  return (
    <li>
      <label class="attack">
        <input type="checkbox" checked={isChosen} onChange={onToggle} />
        <span class="attack-name">{attack.name}</span>
        <span class="faint number">{facts}</span>
        <span class="attack-time">{attack.seconds !== null ? duration(attack.seconds) : ''}</span>
      </label>
    </li>
  );
}

function WordList({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const [isPicking, setPicking] = useState(false);
  return (
    <div class="field">
      <label for="words">Word list on this computer <span class="faint">one word a line</span></label>
      <div class="with-button">
        <input id="words" type="text" value={value} spellcheck={false} onInput={(event) => onChange(event.currentTarget.value)} />
        <button type="button" aria-expanded={isPicking} onClick={() => setPicking(!isPicking)}>Pick…</button>
      </div>
      {isPicking && <FolderPicker from={undefined} picks="files" onPick={(path) => { onChange(path); setPicking(false); }} />}
    </div>
  );
}

/** What a finished search found, what it tried, and what it did not. */
function SearchResult({ job, attacks }: { job: Job; attacks: readonly Attack[] }) {
  const result = job.result;
  const asked = job.attacks ?? [];
  const untried = attacks.filter((attack) => !asked.includes(attack.id));
  if (job.state !== 'done' && job.state !== 'stopped') {
    return null;
  }
  return (
    <div class="search-result">
      {result?.found && (
        <p class="found">The secret is <strong class="secret">{result.secret ?? 'known'}</strong>
          {result.encoding && <span class="faint"> ({result.encoding})</span>}. The phone is open. <Link to="/files">See the files</Link></p>
      )}
      {!result?.found && job.state === 'done' && <p>It was none of those that were tried.</p>}
      {job.state === 'stopped' && <p>It was stopped. The same search goes on where it was.</p>}
      {result?.searched && result.searched.length > 0 && (
        <details open={!result.found}>
          <summary>What was tried</summary>
          <ul>{result.searched.map((line, i) => <li key={i}>{line}</li>)}</ul>
        </details>
      )}
      {!result?.found && untried.length > 0 && (
        <details open>
          <summary>What was not tried</summary>
          <ul>{untried.map((attack) => <li key={attack.id}>{attack.name}{attack.seconds !== null && `: ${duration(attack.seconds)}`}</li>)}</ul>
        </details>
      )}
    </div>
  );
}

function SearchIt() {
  const all = useStore(jobs);
  const searches = all.filter((job) => job.kind === 'search');
  const active = searches.find((job) => job.state === 'running' || job.state === 'paused');
  const latest = active ?? searches[0];
  const loaded = useLoad(`attacks ${latest?.id ?? ''} ${latest?.state ?? ''}`, (signal) => get<Attacks>('/attacks', {}, signal));
  const kept = useRef<Attacks | undefined>();
  kept.current = loaded.value ?? kept.current;
  const facts = kept.current;
  const [chosen, setChosen] = useState<readonly string[] | undefined>();
  const [words, setWords] = useState('');
  const ids = chosen ?? latest?.attacks ?? facts?.attacks.slice(0, 1).map((attack) => attack.id) ?? [];
  const begin = useAction(async (attacks: readonly string[]) => {
    putJob(await send<Job>('POST', '/searches', { attacks, ...(words.trim() !== '' ? { words: words.trim() } : {}) }));
  });
  const toggle = (id: string) => setChosen(ids.includes(id) ? ids.filter((each) => each !== id) : [...ids, id]);
  const picked = facts?.attacks.filter((attack) => ids.includes(attack.id)) ?? [];
  const seconds = picked.reduce((sum, attack) => sum + (attack.seconds ?? 0), 0);
  const goesOn = latest?.state === 'stopped' && latest.can_resume && latest.attacks?.join() === ids.join();
  return (
    <section class="panel" aria-labelledby="search-title">
      <h2 id="search-title">Search for it</h2>
      {loaded.error && !facts && <Problem facts={loaded.error} onAgain={loaded.reload} />}
      {!facts && !loaded.error && <Skeleton lines={5} label="Measuring this computer" />}
      {facts?.why_not && <p>{facts.why_not}</p>}
      {facts && facts.attacks.length > 0 && (
        <>
          <p class="faint">
            {facts.rate ? `This computer tries ${facts.rate >= 10 ? count(Math.round(facts.rate)) : facts.rate.toPrecision(2)} a second` : 'The speed is measured when it begins'}
            {facts.devices ? ` with ${facts.devices}` : ''}. The likeliest come first. Times are for all of them.
          </p>
          <ul class="attacks" aria-label="Searches">
            {facts.attacks.map((attack) => (
              <AttackRow key={attack.id} attack={attack} isChosen={ids.includes(attack.id)} onToggle={() => toggle(attack.id)} />
            ))}
          </ul>
          {ids.includes('words') && <WordList value={words} onChange={setWords} />}
          {!active && (
            <div class="buttons">
              <button type="button" class="primary" disabled={ids.length === 0 || begin.isRunning} onClick={() => begin.run(ids)}>
                {goesOn ? 'Go on with the search' : 'Begin the search'}
              </button>
              <span class="faint">{picked.length > 0 ? `All of it: ${duration(seconds)} on this computer` : 'Choose at least one'}</span>
            </div>
          )}
          {begin.error && <Problem facts={begin.error} />}
        </>
      )}
      {latest && <JobPanel job={latest} />}
      {latest && facts && <SearchResult job={latest} attacks={facts.attacks} />}
    </section>
  );
}

export function UnlockPage() {
  const work = useStore(workplace);
  const isOpen = work?.is_open ?? false;
  const made = useStore(jobs).find((job) => job.kind === 'sample-phone' && job.result?.pattern);
  const sample = made?.result?.folder && work?.path?.startsWith(made.result.folder) ? made.result.pattern : undefined;
  const heading = useRef<HTMLHeadingElement>(null);
  const wasOpen = useRef(isOpen);
  useTitle('Unlock');
  useEffect(() => {
    if (isOpen && !wasOpen.current) {
      heading.current?.focus();
    }
    wasOpen.current = isOpen;
  }, [isOpen]);
  return (
    <div class="page">
      <h1 ref={heading} tabIndex={-1}>{isOpen ? 'It is open' : 'Unlock'}</h1>
      {isOpen
        ? (
          <div class="panel done" role="status">
            <p>{work?.how ? `What opened it: ${work.how}.` : 'Nothing more is needed to read it.'} What you typed or drew is not kept in the log.</p>
            <p class="buttons"><Link to="/files" class="button primary">See the files</Link><Link to="/gallery" class="button">See photos and videos</Link></p>
          </div>
        )
        : <p>The phone's own lock: a PIN, a pattern, or a password. What you try here goes to this computer alone, and never to the phone; it counts no tries.</p>}
      {!isOpen && sample && (
        <p class="notice">This is the sample phone. Its pattern is <strong>{sample}</strong>: draw it, or let the search find it.</p>
      )}
      {!isOpen && (
        <div class="columns">
          <TypeIt />
          <DrawIt />
        </div>
      )}
      <SearchIt />
    </div>
  );
}
