// Calls of the server.  Paths of files go in as keys, everything else is encoded here.
import type { ErrorFacts } from './types';

export class ApiError extends Error {
  readonly status: number;
  readonly facts: ErrorFacts;

  constructor(status: number, facts: ErrorFacts) {
    super(facts.what);
    this.status = status;
    this.facts = facts;
  }
}

/** A key stands in a query as it is. */
export class Key {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Value = string | number | Key | undefined;

const base = '/api/v1';
let token = '';
let onRefused: (status: number) => void = () => undefined;

export function setToken(value: string): void {
  token = value;
}
/** Called with 401 where the server does not know us, with 0 where nobody answers. */
export function setOnRefused(listener: (status: number) => void): void {
  onRefused = listener;
}

export function url(path: string, query: Record<string, Value> = {}): string {
  const parts = Object.entries(query)
    .filter((pair): pair is [string, string | number | Key] => pair[1] !== undefined)
    .map(([name, value]) => `${name}=${value instanceof Key ? value.text : encodeURIComponent(value)}`);
  return `${base}${path}${parts.length > 0 ? `?${parts.join('&')}` : ''}`;
}

function unreadable(status: number): ErrorFacts {
  return {
    code: 'io',
    what: `the server answered with ${status}, and said no more`,
    hint: 'look at the terminal in which salvage serve runs',
  };
}

async function asError(response: Response): Promise<ApiError> {
  let facts = unreadable(response.status);
  try {
    const body = (await response.json()) as { error?: ErrorFacts };
    facts = body.error ?? facts;
  } catch {
    // Not our JSON: the status is all there is to tell.
  }
  if (response.status === 401) {
    onRefused(401);
  }
  return new ApiError(response.status, facts);
}

async function call(address: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(address, { credentials: 'same-origin', ...init });
  } catch (problem) {
    if (problem instanceof DOMException && problem.name === 'AbortError') {
      throw problem;
    }
    onRefused(0);
    throw new ApiError(0, {
      code: 'io',
      what: 'the server does not answer',
      why: 'salvage serve has ended, or this computer was asleep',
      hint: 'start it again: salvage serve; this page goes on by itself',
    });
  }
  if (!response.ok) {
    throw await asError(response);
  }
  return response;
}

export async function get<T>(path: string, query: Record<string, Value> = {}, signal?: AbortSignal): Promise<T> {
  const response = await call(url(path, query), signal ? { signal } : {});
  return (await response.json()) as T;
}

/** Some bytes of a file, as they are. */
export async function getBytes(address: string, first: number, last: number): Promise<Uint8Array> {
  const response = await call(address, { headers: { Range: `bytes=${first}-${last}` } });
  return new Uint8Array(await response.arrayBuffer());
}

export async function send<T>(method: 'POST' | 'DELETE', path: string, body?: unknown): Promise<T> {
  const headers: Record<string, string> = { 'X-Salvage-Token': token };
  if (body !== undefined) {
    headers['Content-Type'] = 'application/json';
  }
  const response = await call(base + path, {
    method,
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return (response.status === 204 ? undefined : await response.json()) as T;
}

export function asFacts(problem: unknown): ErrorFacts {
  if (problem instanceof ApiError) {
    return problem.facts;
  }
  return { code: 'internal', what: problem instanceof Error ? problem.message : String(problem) };
}
