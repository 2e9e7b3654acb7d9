// The report of what is open: loaded once, shared by the views.
import { get } from '../api/client';
import { workplace } from '../api/state';
import type { Report } from '../api/types';
import { useStore } from '../core/store';
import { useLoad, type Loaded } from './hooks';

let kept: { key: string; report: Report } | undefined;

export function useReport(): Loaded<Report> {
  const work = useStore(workplace);
  const key = work?.state === 'open' ? `report ${work.path ?? ''} ${work.verdict?.code ?? ''} ${String(work.is_open)}` : null;
  const loaded = useLoad(key, async (signal) => {
    if (kept && kept.key === key) {
      return kept.report;
    }
    const report = await get<Report>('/report', {}, signal);
    kept = { key: key ?? '', report };
    return report;
  });
  // Drawn again with what is kept: no skeleton between two views.
  return loaded.value === undefined && kept && kept.key === key ? { ...loaded, value: kept.report, isLoading: false } : loaded;
}

const roleClasses: Record<string, string> = {
  'boot chain': 'boot',
  system: 'system',
  'user data': 'data',
  'keys and footers': 'keys',
  'radio and calibration': 'radio',
  reserved: 'reserved',
};
/** The role as a class of the style sheet. */
export function roleClass(role: string): string {
  return roleClasses[role] ?? 'unknown';
}
export const roles = [...Object.keys(roleClasses), 'unknown'];

const severityOrder = { error: 0, warning: 1, note: 2 } as const;
export function bySeverity<T extends { severity: keyof typeof severityOrder }>(findings: readonly T[]): T[] {
  return [...findings].sort((a, b) => severityOrder[a.severity] - severityOrder[b.severity]);
}
