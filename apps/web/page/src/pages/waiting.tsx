// Views that stand in for others: nothing open, being looked at, not opened yet.
import { jobs, workplace } from '../api/state';
import { useStore } from '../core/store';
import { Empty, Link, Skeleton } from '../parts/basic';
import { useTitle } from '../parts/hooks';
import { JobPanel } from '../parts/progress';

export function NothingOpen({ title }: { title: string }) {
  useTitle(title);
  return (
    <div class="page">
      <h1>{title}</h1>
      <Empty title="Open the dump of a phone first, or try the sample phone.">
        <p><Link to="/start" class="button">Open a dump or a case</Link></p>
      </Empty>
    </div>
  );
}

export function Opening() {
  const all = useStore(jobs);
  const work = useStore(workplace);
  useTitle('Looking at the dump');
  const opening = all.filter((job) => (job.kind === 'open' || job.kind === 'sample-phone') && job.state === 'running');
  return (
    <div class="page">
      <h1>Looking at all of it</h1>
      <p>Every byte is read once: for the partition table, the place of the key, and what looks encrypted. Nothing is written to the dump.</p>
      {work?.path && <p class="faint"><bdi>{work.path}</bdi></p>}
      <h2 class="only-heard">How far it is</h2>
      {opening.map((job) => <JobPanel key={job.id} job={job} />)}
      {opening.length === 0 && <Skeleton lines={4} label="Waiting for the server" />}
    </div>
  );
}

/** For views that need the files, where they cannot be read yet. */
export function NotOpened({ title }: { title: string }) {
  const work = useStore(workplace);
  const verdict = work?.verdict;
  useTitle(title);
  return (
    <div class="page">
      <h1>{title}</h1>
      <Empty title="The files cannot be read yet.">
        <p>{verdict?.text ?? 'What is in the dump is not known yet.'}</p>
        <p class="buttons">
          {verdict?.code === 'needs-secret' && <Link to="/unlock" class="button">Type, draw or search for the secret</Link>}
          <Link to="/verdict" class="button">See the verdict</Link>
        </p>
      </Empty>
    </div>
  );
}
