// Work that goes on: what, how much of what, how fast, how long still, and the buttons.
import { useEffect, useRef, useState } from 'preact/hooks';
import { asFacts, send } from '../api/client';
import { putJob } from '../api/state';
import type { ErrorFacts, Job } from '../api/types';
import { counted, doneOf, duration, rate } from '../core/text';
import { Problem } from './basic';

const kept = 90;

/** The last rates of a job, for its sparkline; as long as this tab has watched. */
const history = new Map<string, number[]>();

function watch(job: Job): readonly number[] {
  const values = history.get(job.id) ?? [];
  if (job.state === 'running' && job.rate !== null && job.rate !== undefined) {
    values.push(job.rate);
    values.splice(0, Math.max(0, values.length - kept));
    history.set(job.id, values);
  }
  return values;
}

export function Sparkline({ values, label }: { values: readonly number[]; label: string }) {
  const width = 120;
  const height = 24;
  const most = Math.max(...values, 1e-9);
  const x = (i: number) => (values.length < 2 ? width : (i / (values.length - 1)) * width);
  const points = values.map((value, i) => `${x(i).toFixed(1)},${(height - 2 - (value / most) * (height - 4)).toFixed(1)}`);
  return (
    <svg class="sparkline" width={width} height={height} role="img" aria-label={label}>
      <line x1="0" x2={width} y1={height - 1} y2={height - 1} class="sparkline-ground" />
      {values.length > 1 && <polyline points={points.join(' ')} />}
    </svg>
  );
}

const stateWords = {
  running: 'Running',
  paused: 'Paused',
  stopped: 'Stopped',
  done: 'Done',
  failed: 'Failed',
} as const;

export function JobState({ job }: { job: Job }) {
  return <span class={`state state-${job.state}`}>{stateWords[job.state]}</span>;
}

const kindWords: Record<Job['kind'], string> = {
  open: 'Looking at the dump',
  'sample-phone': 'Making a sample phone',
  search: 'Searching for the secret',
  export: 'Taking files out',
  find: 'Searching the bytes',
};

/** What the program calls its steps, in words; others stand as they are. */
const stepWords: Record<string, string> = {
  scan: 'Reading every byte once',
  read: 'Reading',
  index: 'Listing the files',
  build: 'Building the phone',
  search: 'Trying the likeliest first',
  export: 'Copying files',
  hash: 'Computing hashes',
  check: 'Checking what is there already',
};

export function titleOf(job: Job): string {
  return job.title ?? kindWords[job.kind];
}

/** What a screen reader is told now and then: not each tick. */
function useSpoken(text: string, every: number): string {
  const [said, setSaid] = useState(text);
  const last = useRef(0);
  useEffect(() => {
    const now = Date.now();
    if (now - last.current >= every) {
      last.current = now;
      setSaid(text);
    }
  }, [text, every]);
  return said;
}

export function JobPanel({ job }: { job: Job }) {
  const values = watch(job);
  const [error, setError] = useState<ErrorFacts | undefined>();
  const act = (action: 'pause' | 'resume' | 'stop') => {
    setError(undefined);
    send<Job>('POST', `/jobs/${encodeURIComponent(job.id)}/${action}`)
      .then(putJob)
      .catch((problem: unknown) => setError(asFacts(problem)));
  };
  const unit = job.unit ?? 'steps';
  const share = job.total ? Math.min(1, job.done / job.total) : undefined;
  const isActive = job.state === 'running' || job.state === 'paused';
  const left = job.seconds_left ?? undefined;
  const facts = [
    doneOf(job.done, job.total, unit),
    job.state === 'running' && job.rate ? rate(job.rate, unit) : '',
    job.state === 'running' && left !== undefined ? `${duration(left)} left` : '',
    job.seconds !== undefined && !isActive ? `took ${duration(job.seconds)}` : '',
  ].filter((each) => each !== '');
  const spoken = useSpoken(`${titleOf(job)}: ${stateWords[job.state]}, ${facts.join(', ')}`, 10_000);
  return (
    <section class="job" aria-label={titleOf(job)} data-job={job.kind} data-state={job.state}>
      <div class="job-head">
        <h3><bdi>{titleOf(job)}</bdi></h3>
        <JobState job={job} />
      </div>
      <p class="job-step">{job.step && job.state !== 'done' ? stepWords[job.step] ?? job.step : '\u00a0'}</p>
      <div class="bar" role="progressbar" aria-label={titleOf(job)} aria-valuemin={0} aria-valuemax={100}
        {...(share === undefined ? {} : { 'aria-valuenow': Math.round(share * 100) })}
        aria-valuetext={facts.join(', ')}>
        <div class={share === undefined && isActive ? 'bar-fill bar-unknown' : 'bar-fill'}
          style={{ width: `${((job.state === 'done' ? 1 : share ?? 0) * 100).toFixed(2)}%` }} />
      </div>
      <div class="job-foot">
        <span class="job-facts">{facts.join('  ·  ')}</span>
        {job.kind !== 'open' && values.length > 1 &&
          <Sparkline values={values} label={`Rate over the last ${counted(values.length, 'report')}`} />}
      </div>
      {isActive && (
        <div class="buttons">
          {job.kind === 'search' && (job.state === 'paused'
            ? <button type="button" onClick={() => act('resume')}>Go on</button>
            : <button type="button" onClick={() => act('pause')}>Pause</button>)}
          <button type="button" onClick={() => act('stop')}>Stop</button>
        </div>
      )}
      <p class="only-heard" role="status">{spoken}</p>
      {job.error && <Problem facts={job.error.error} />}
      {error && <Problem facts={error} />}
    </section>
  );
}
