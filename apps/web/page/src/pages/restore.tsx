// Restore: what would have to be put back, as a checklist.  Writing to a phone stays on the command line.
import { useEffect, useState } from 'preact/hooks';
import { get } from '../api/client';
import type { Finding, Restore, RestorePlan, RestoreStep } from '../api/types';
import { bothNotations, counted, duration, exactSize, size } from '../core/text';
import { Command, Empty, Problem, sentence, Severity, Skeleton } from '../parts/basic';
import { useLoad, useTitle } from '../parts/hooks';
import { bySeverity } from '../parts/report';

/** Which lines a person has ticked off, kept in this browser for this very plan. */
function useTicks(plan: string): [ReadonlySet<string>, (line: string) => void] {
  const slot = `salvage.restore.${plan.slice(0, 16)}`;
  const [ticks, setTicks] = useState<ReadonlySet<string>>(new Set());
  useEffect(() => {
    try {
      const kept: unknown = JSON.parse(localStorage.getItem(slot) ?? '[]');
      setTicks(new Set(Array.isArray(kept) ? kept.map(String) : []));
    } catch {
      setTicks(new Set());
    }
  }, [slot]);
  const tick = (line: string) => {
    const next = new Set(ticks);
    if (!next.delete(line)) {
      next.add(line);
    }
    setTicks(next);
    try {
      localStorage.setItem(slot, JSON.stringify([...next]));
    } catch {
      // Storage is switched off: ticks hold as long as the view is open.
    }
  };
  return [ticks, tick];
}

function Findings({ title, findings }: { title: string; findings: readonly Finding[] }) {
  if (findings.length === 0) {
    return null;
  }
  return (
    <section>
      <h2>{title}</h2>
      <ul class="findings">
        {bySeverity(findings).map((finding, i) => (
          <li key={i} class="finding"><p><Severity value={finding.severity} /> {sentence(finding.text)}</p><p class="faint"><code>{finding.code}</code></p></li>
        ))}
      </ul>
    </section>
  );
}

function Step({ step, number }: { step: RestoreStep; number: number }) {
  return (
    <>
      <p><strong>{number}. <bdi>{step.partition}</bdi></strong> <span class="faint">{size(step.image.size)}, {duration(step.seconds)}, by {step.tool}</span></p>
      <p>{sentence(step.why)}</p>
      <details>
        <summary>Image and target</summary>
        <dl class="facts">
          <div><dt>Image</dt><dd><bdi class="break">{step.image.path}</bdi></dd></div>
          <div><dt>From</dt><dd>{bothNotations(step.image.start)}, {exactSize(step.image.size)}</dd></div>
          <div><dt>SHA-256</dt><dd><code class="break">{step.image.sha256}</code></dd></div>
          <div><dt>Onto</dt><dd>{step.target.start !== null && step.target.start !== undefined ? `${step.target.region ?? ''} at ${bothNotations(step.target.start)}` : `the partition ${step.partition}`}
            {step.target.size ? `, ${exactSize(step.target.size)} there` : ', its size there is not known'}</dd></div>
        </dl>
      </details>
    </>
  );
}

function Plan({ plan, command }: { plan: RestorePlan; command: string | undefined }) {
  const [ticks, tick] = useTicks(plan.hash);
  const line = (id: string, label: string, body: preact.ComponentChildren) => (
    <li key={id} class={ticks.has(id) ? 'check-line is-ticked' : 'check-line'}>
      <input type="checkbox" checked={ticks.has(id)} aria-label={`Done: ${label}`} onChange={() => tick(id)} />
      <div>{body}</div>
    </li>
  );
  return (
    <>
      <p>{sentence(plan.verdict.text)}</p>
      {!plan.can_be_applied && <p class="notice"><Severity value="error" /> This plan cannot be applied as it is. What stands in the way is named below.</p>}
      <Findings title="What is missing" findings={plan.missing} />
      <Findings title="What stands between the plan and the phone" findings={plan.conflicts} />
      {plan.notes.length > 0 && (
        <section>
          <h2>What you do, in order</h2>
          <ol class="checklist">{plan.notes.map((note, i) => line(`note ${i}`, note, <p>{sentence(note)}</p>))}</ol>
        </section>
      )}
      <section>
        <h2>What is written, in order <span class="faint">{size(plan.bytes)}, {duration(plan.seconds)}</span></h2>
        {plan.steps.length === 0 && <Empty title="Nothing would be written." />}
        <ol class="checklist">{plan.steps.map((step, i) => line(`step ${i}`, step.partition, <Step step={step} number={i + 1} />))}</ol>
      </section>
      {plan.refused.length > 0 && (
        <details>
          <summary>{counted(plan.refused.length, 'partition')} never written, and why</summary>
          <ul>{plan.refused.map((each) => <li key={each.partition}><bdi>{each.partition}</bdi>: {sentence(each.reason)} <span class="faint">{each.source}</span></li>)}</ul>
        </details>
      )}
      <section>
        <h2>To do it</h2>
        <p>This page writes nothing to a phone. Read the plan, then type this; it asks once more before the first byte.</p>
        {command && <Command text={command} />}
        <p class="faint">SHA-256 of the plan <code class="break">{plan.hash}</code></p>
      </section>
    </>
  );
}

export function RestorePage() {
  const loaded = useLoad('restore', (signal) => get<Restore>('/restore', {}, signal));
  useTitle('Restore');
  return (
    <div class="page">
      <h1>Put it back onto the phone</h1>
      {loaded.error && <Problem facts={loaded.error} onAgain={loaded.reload} />}
      {!loaded.value && !loaded.error && <Skeleton lines={10} label="Making the plan" />}
      {loaded.value && !loaded.value.plan && (
        <Empty title="There is no plan to put anything back."><p>{sentence(loaded.value.why)}</p>
          {loaded.value.command && <Command text={loaded.value.command} />}</Empty>
      )}
      {loaded.value?.plan && <Plan plan={loaded.value.plan} command={loaded.value.command} />}
    </div>
  );
}
