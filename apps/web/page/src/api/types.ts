// What the server answers, as docs/api/openapi.yaml has it.  Sizes and offsets are bytes; unknown is null.

export interface ErrorFacts {
  code: string;
  what: string;
  why?: string;
  where?: string;
  hint?: string;
}
export interface Cost {
  attack: string;
  candidates: number;
  seconds: number;
}
export interface Verdict {
  code: string;
  headline: string;
  text: string;
  proof: string[];
  next: string | null;
  cost: Cost[];
}
export type WorkState = 'empty' | 'opening' | 'open' | 'failed' | 'gone';
export interface Workplace {
  state: WorkState;
  path: string | null;
  case: string | null;
  size?: number | null;
  container?: string | null;
  verdict: Verdict | null;
  is_open: boolean;
  how?: string | null;
  needs_right?: boolean;
  error?: { error: ErrorFacts } | null;
}
export interface Session {
  version: string;
  token: string;
  home?: string;
  workplace: Workplace;
}
export interface FolderEntry {
  name: string;
  path: string;
  kind: 'folder' | 'file' | 'case' | 'other';
  size: number | null;
  modified?: number | null;
}
export interface Folder {
  path: string;
  parent: string | null;
  is_cut: boolean;
  entries: FolderEntry[];
}
export type JobKind = 'open' | 'sample-phone' | 'search' | 'export' | 'find';
export type JobState = 'running' | 'paused' | 'stopped' | 'done' | 'failed';
export interface Job {
  id: string;
  kind: JobKind;
  state: JobState;
  title?: string;
  step?: string;
  unit?: string;
  done: number;
  total: number | null;
  rate?: number | null;
  seconds_left?: number | null;
  seconds?: number;
  can_resume?: boolean;
  attacks?: string[];
  error?: { error: ErrorFacts } | null;
  result?: JobResult | null;
}
export interface JobResult {
  found?: boolean;
  secret?: string | null;
  encoding?: string | null;
  step?: string | null;
  searched?: string[];
  pattern?: string;
  folder?: string;
  files?: number;
  directories?: number;
  folders?: number;
  symlinks?: number;
  others?: number;
  resumed?: number;
  bytes?: number;
  failed?: { path: string; reason: string; lost_bytes: number; partial: boolean }[];
  manifest?: string;
  sums?: string;
  index?: string;
  kinds?: { name: string; title: string; items: number }[];
  hits?: Hit[];
  hits_not_listed?: number;
}
export interface Hit {
  offset: number;
  pattern: string;
  partition: string | null;
  partition_offset: number | null;
  structure: string | null;
  note: string | null;
}
export interface Finding {
  code: string;
  severity: 'note' | 'warning' | 'error';
  text: string;
  where: { source: string | null; offset: number | null; partition: string | null };
  values: Record<string, number | string>;
}
export interface Partition {
  name: string;
  region: string;
  start: number | null;
  size: number | null;
  source: string;
  filesystem: string | null;
  role: string;
  looks?: string;
  entropy?: number | null;
  attributes?: Record<string, string>;
}
export interface Footer {
  offset: number;
  file: string | null;
  partition: string | null;
  place: string;
  found_by: string;
  kind: string;
  version: string;
  kdf: string;
  cipher: string;
  key_bytes: number;
  keymaster: string;
  findings: Finding[];
}
export interface Report {
  schema: string;
  source: { path: string; container: string; size: number; sha256: string | null };
  verdict: Verdict;
  device_size: number | null;
  sector_size: number;
  partitions: Partition[];
  findings: Finding[];
  footers: Footer[];
  decoys: { offset: number; partition: string | null; reason: string }[];
  completeness: { complete: boolean; expected: number | null; present: number; unreadable: number; text: string };
}
export type Looks = 'encrypted' | 'text' | 'mixed' | 'empty' | 'hole' | 'unreadable' | 'unknown';
export interface Cell {
  looks: Looks;
  entropy?: number | null;
  unreadable?: number;
}
export interface Content {
  from: number;
  to: number;
  size: number;
  cells: Cell[];
}
export interface Source {
  id: string;
  name: string;
  description?: string;
  size: number;
  start?: number | null;
}
export interface Field {
  at: number;
  length: number;
  name: string;
  value: string;
  meaning?: string;
  spec?: string;
}
export interface Extent {
  at: number;
  length: number;
  kind: 'hole' | 'unreadable';
}
export interface Bytes {
  source: string;
  at: number;
  length: number;
  size: number;
  place: string;
  base64: string;
  extents: Extent[];
  structure?: string | null;
  structure_at?: number | null;
  fields: Field[];
}
export interface Place {
  at: number;
  hex?: string;
  place: string;
}
export interface Attack {
  id: string;
  name: string;
  candidates: number | null;
  seconds: number | null;
  done?: number | null;
}
export interface Attacks {
  why_not?: string | null;
  rate?: number | null;
  devices?: string | null;
  attacks: Attack[];
}
export interface Unlocked {
  is_open: boolean;
  verdict: Verdict;
}
export interface Entry {
  key: string;
  name: string;
  type: string;
  kind?: 'image' | 'video' | 'audio' | 'document' | 'database' | 'text' | null;
  size: number;
  mode?: number;
  uid?: number;
  gid?: number;
  mtime: number | null;
  target?: string | null;
  deleted?: boolean;
  confidence?: string | null;
  problem?: string | null;
}
export interface Listing {
  key: string;
  name?: string;
  total: number;
  problem?: string | null;
  entries: Entry[];
}
export interface FileInfo extends Entry {
  lost: { at: number; length: number }[];
  lost_bytes?: number;
  type_shown: string;
  first_byte?: number | null;
}
export type SqlValue = string | number | null | { blob: number };
export interface Table {
  tables: { name: string; rows: number | null }[];
  table?: string | null;
  columns: string[];
  total: number;
  rows: SqlValue[][];
  problem?: string | null;
}
export interface GalleryItem {
  key: string;
  name: string;
  kind: 'image' | 'video';
  size: number;
  day: string;
  taken?: number | null;
  width?: number | null;
  height?: number | null;
  lost_bytes?: number;
  seconds?: number | null;
}
export interface Gallery {
  state: 'looking' | 'ready';
  total: number;
  days: { day: string; first: number; count: number }[];
  items: GalleryItem[];
}
export interface ItemKind {
  name: string;
  title: string;
  items: number;
  damaged: number;
  has_table: boolean;
  notes: string[];
  problems: string[];
}
export interface Items {
  state: 'looking' | 'ready' | 'failed';
  problem: string | null;
  kinds: ItemKind[];
}
/** Text, number of a conversation, number of a picture. */
export type ItemCell = [string, number | null, number | null];
export interface ItemTable {
  title: string;
  columns: string[];
  notes: string[];
  total: number;
  rows: ItemCell[][];
}
export interface Attachment {
  name: string;
  kind: 'image' | 'video' | 'audio' | 'other';
  key: string | null;
  problem: string | null;
}
export interface Message {
  from: string;
  own: boolean;
  time: string;
  text: string;
  note: string;
  origin: string;
  attachments: Attachment[];
}
export interface Said {
  total: number;
  messages: { conversation: number; title: string; from: string; own: boolean; time: string; text: string }[];
}
export interface Conversation {
  kind: string;
  title: string;
  people: string;
  number: number;
  count: number;
  previous: number | null;
  next: number | null;
  messages: Message[];
}
export interface RestoreStep {
  partition: string;
  tool: string;
  image: { path: string; start: number; size: number; sha256: string };
  target: { region?: string; start?: number | null; size?: number | null };
  why: string;
  bytes_a_second: number;
  seconds: number;
}
export interface RestorePlan {
  source: string;
  verdict: { code: string; text: string };
  missing: Finding[];
  steps: RestoreStep[];
  refused: { partition: string; reason: string; source: string; can_be_asked_for: boolean }[];
  conflicts: Finding[];
  notes: string[];
  bytes: number;
  seconds: number;
  can_be_applied: boolean;
  hash: string;
}
export interface Restore {
  plan: RestorePlan | null;
  why: string;
  command?: string;
}
export interface LogRecord {
  number: number;
  time: string;
  event: string;
  text: string;
}
export interface LogPage {
  head: string | null;
  total: number;
  records: LogRecord[];
}
