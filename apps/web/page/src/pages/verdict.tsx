// Verdict: what a friend who knows would say, the next step, and the proof one click below.
import type { Cost, Finding, Footer, Partition, Report, Verdict } from '../api/types';
import { session, workplace } from '../api/state';
import { send } from '../api/client';
import { useState } from 'preact/hooks';
import { numberParameter, useAddress } from '../core/router';
import { useStore } from '../core/store';
import { bothNotations, count, duration, exactSize, hex, size } from '../core/text';
import { Command, Link, Problem, sentence, Severity, Skeleton } from '../parts/basic';
import { useAction, useIsPhone, useTitle } from '../parts/hooks';
import { bySeverity, roleClass, useReport } from '../parts/report';

const tone: Record<string, string> = {
  open: 'good',
  'not-encrypted': 'good',
  'needs-secret': 'ask',
  'needs-phone-key': 'warn',
  'key-missing': 'warn',
  damaged: 'warn',
  mismatch: 'bad',
  'file-based-encryption': 'bad',
  unsupported: 'bad',
};

/** What can be clicked instead of typed. */
function NextInPage({ verdict }: { verdict: Verdict }) {
  const links: Record<string, [string, string]> = {
    open: ['/files', 'See the files'],
    'not-encrypted': ['/files', 'See the files'],
    'needs-secret': ['/unlock', 'Type, draw or search for it here'],
    'needs-phone-key': ['/restore', 'What to put back'],
  };
  const link = links[verdict.code];
  return link ? <p><Link to={link[0]} class="button">{link[1]}</Link></p> : null;
}

function CostTable({ cost }: { cost: readonly Cost[] }) {
  return (
    <section aria-labelledby="cost-title">
      <h2 id="cost-title">What finding it would take</h2>
      <p class="faint">Trying all of them on this computer, at the speed measured here. On average it is found after half of that.</p>
      <table class="table table-narrow">
        <thead>
          <tr><th scope="col">If it is</th><th scope="col" class="number">there are this many</th><th scope="col">all of them take</th></tr>
        </thead>
        <tbody>
          {cost.map((each) => (
            <tr key={each.attack}>
              <th scope="row">{each.attack}</th>
              <td class="number" data-label="Possibilities">{count(each.candidates)}</td>
              <td data-label="Time">{duration(each.seconds)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function hexLink(finding: Finding): string | undefined {
  return finding.where.offset === null ? undefined : `/hex?at=${finding.where.offset}`;
}

/** The gravest first; each with its number in the report, by which links name it. */
function inOrder(findings: readonly Finding[]): [Finding, number][] {
  return bySeverity(findings.map((finding, i) => ({ finding, i, severity: finding.severity }))).map(({ finding, i }) => [finding, i]);
}

function Findings({ findings, marked }: { findings: readonly Finding[]; marked: number | undefined }) {
  return (
    <section aria-labelledby="findings-title">
      <h2 id="findings-title">What was noticed</h2>
      {findings.length === 0 && <p>Nothing that stands in the way.</p>}
      <ul class="findings">
        {inOrder(findings).map(([finding, i]) => (
          <li key={i} id={`finding-${i}`} class={i === marked ? 'finding is-marked' : 'finding'}
            ref={(element) => { if (i === marked && element) { element.scrollIntoView({ block: 'center' }); } }}>
            <p><Severity value={finding.severity} /> {sentence(finding.text)}</p>
            <p class="faint">
              <Link to={`/verdict?finding=${i}`} aria-label={`Link to this: ${finding.code}`}><code>{finding.code}</code></Link>
              {finding.where.partition && <> in <bdi>{finding.where.partition}</bdi></>}
              {finding.where.offset !== null && <> at <Link to={hexLink(finding) ?? ''}>{bothNotations(finding.where.offset)}</Link></>}
            </p>
            {Object.keys(finding.values).length > 0 && (
              <details>
                <summary>Values</summary>
                <dl class="facts">
                  {Object.entries(finding.values).map(([name, value]) => (
                    <div key={name}><dt>{name.replaceAll('_', ' ')}</dt><dd title={typeof value === 'number' ? hex(value) : ''}><bdi>{typeof value === 'number' ? count(value) : value}</bdi></dd></div>
                  ))}
                </dl>
              </details>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}

function PartitionCard({ partition }: { partition: Partition }) {
  return (
    <tr>
      <th scope="row"><span class={`swatch r-${roleClass(partition.role)}`} aria-hidden="true" /><bdi>{partition.name}</bdi></th>
      <td data-label="Role">{partition.role}</td>
      <td data-label="Start" class="number">
        {partition.start === null ? 'unknown' : <Link to={`/hex?at=${partition.start}`} title={count(partition.start)}>{hex(partition.start)}</Link>}
      </td>
      <td data-label="Size" class="number" title={partition.size === null ? '' : exactSize(partition.size)}>{partition.size === null ? 'unknown' : size(partition.size)}</td>
      <td data-label="Holds">{[partition.filesystem, partition.looks].filter(Boolean).join(', ') || 'not looked at'}</td>
      <td data-label="Known from" class="faint">{partition.source}</td>
    </tr>
  );
}

function Partitions({ partitions }: { partitions: readonly Partition[] }) {
  const isPhone = useIsPhone();
  return (
    <section aria-labelledby="partitions-title">
      <h2 id="partitions-title">The parts of its memory <span class="faint">partitions</span></h2>
      <p><Link to="/map">See them to scale</Link></p>
      <div class={isPhone ? '' : 'scroll-x'} {...(isPhone ? {} : { tabIndex: 0, role: 'region', 'aria-label': 'Partitions' })}>
        <table class="table table-dense">
          <thead>
            <tr>
              <th scope="col">Name</th><th scope="col">For</th><th scope="col" class="number">Start</th>
              <th scope="col" class="number">Size</th><th scope="col">Holds</th><th scope="col">Known from</th>
            </tr>
          </thead>
          <tbody>{partitions.map((each, i) => <PartitionCard key={i} partition={each} />)}</tbody>
        </table>
      </div>
    </section>
  );
}

function FooterFacts({ footer }: { footer: Footer }) {
  const facts: [string, string][] = [
    ['Where', `${footer.place}, byte ${bothNotations(footer.offset)}`],
    ['Found by', footer.found_by],
    ['Kind', `${footer.kind} ${footer.version}`],
    ['From secret to key', footer.kdf],
    ['Cipher', `${footer.cipher}, ${footer.key_bytes * 8} bits`],
    ['Tied to the chip', footer.keymaster],
  ];
  return (
    <dl class="facts">
      {facts.map(([name, value]) => <div key={name}><dt>{name}</dt><dd><bdi>{value}</bdi></dd></div>)}
      <div><dt>Its bytes</dt><dd><Link to={`/hex?at=${footer.offset}`}>Look at them</Link></dd></div>
    </dl>
  );
}

function Proof({ verdict, report }: { verdict: Verdict; report: Report | undefined }) {
  return (
    <details class="proof">
      <summary>The proof <span class="faint">bytes and numbers</span></summary>
      <ul>{verdict.proof.map((line, i) => <li key={i}><bdi>{line}</bdi></li>)}</ul>
      {report?.footers.map((footer, i) => <FooterFacts key={i} footer={footer} />)}
      {report && report.decoys.length > 0 && (
        <>
          <h3>Looked like a key, and is none</h3>
          <ul>{report.decoys.map((decoy) => (
            <li key={decoy.offset}><Link to={`/hex?at=${decoy.offset}`}>{bothNotations(decoy.offset)}</Link>: {decoy.reason}</li>
          ))}</ul>
        </>
      )}
    </details>
  );
}

function Source({ report }: { report: Report }) {
  return (
    <section aria-labelledby="source-title">
      <h2 id="source-title">The dump</h2>
      <dl class="facts">
        <div><dt>File</dt><dd><bdi>{report.source.path}</bdi></dd></div>
        <div><dt>Size</dt><dd>{exactSize(report.source.size)}, {report.source.container}</dd></div>
        <div><dt>SHA-256</dt><dd><code class="break">{report.source.sha256 ?? 'none: parts of it could not be read'}</code></dd></div>
        <div><dt>Whole?</dt><dd>{sentence(report.completeness.text)}</dd></div>
      </dl>
      <p><a href="/api/v1/report.html" target="_blank" rel="noopener">The report as one page to print or hand over</a></p>
    </section>
  );
}

/** Asked once for a case whose log has no word of it. */
function AskRight() {
  const work = useStore(workplace);
  const [right, setRight] = useState('');
  const keep = useAction(async () => {
    await send('POST', '/workplace', { path: work?.case ?? work?.path, right: right.trim() });
  });
  return (
    <form class="panel" onSubmit={(event) => { event.preventDefault(); if (right.trim() !== '') { keep.run(); } }}>
      <label class="field">
        <span>By what right do you open this phone? <span class="faint">Asked once; kept in the case log, nowhere else.</span></span>
        <input type="text" maxLength={1000} value={right} placeholder="It is my own phone" onInput={(event) => setRight(event.currentTarget.value)} />
      </label>
      <div class="buttons"><button type="submit" disabled={keep.isRunning || right.trim() === ''}>Keep it in the log</button></div>
      {keep.error && <Problem facts={keep.error} />}
    </form>
  );
}

export function VerdictPage() {
  const work = useStore(workplace);
  const version = useStore(session)?.version;
  const report = useReport();
  const marked = numberParameter(useAddress().query, 'finding');
  useTitle('Verdict');
  const verdict = work?.verdict ?? report.value?.verdict;
  if (!verdict) {
    return <div class="page"><Skeleton lines={6} label="Loading the verdict" /></div>;
  }
  return (
    <div class="page">
      <section class={`verdict v-${tone[verdict.code] ?? 'warn'}`} aria-labelledby="headline">
        <h1 id="headline" class="headline">{verdict.headline}</h1>
        <p class="verdict-text">{verdict.text}</p>
        {work?.how && <p class="faint">What opened it: {work.how}.</p>}
        {verdict.next && (
          <>
            <h2 class="quiet">Next</h2>
            <Command text={verdict.next} />
          </>
        )}
        <NextInPage verdict={verdict} />
        <Proof verdict={verdict} report={report.value} />
      </section>
      {work?.needs_right && <AskRight />}
      {verdict.cost.length > 0 && <CostTable cost={verdict.cost} />}
      {report.error && <Problem facts={report.error} onAgain={report.reload} />}
      {!report.value && !report.error && <Skeleton lines={8} label="Loading what was found" />}
      {report.value && (
        <>
          <Findings findings={report.value.findings} marked={marked} />
          <Partitions partitions={report.value.partitions} />
          <Source report={report.value} />
        </>
      )}
      {version && <p class="faint">Salvage {version}</p>}
    </div>
  );
}
