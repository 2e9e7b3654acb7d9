// What all views know: the workplace, the jobs, whether the server is there.
//
// A browser gives a host six connections, and a stream of events keeps one.  So one tab holds the stream (a lock says
// which) and tells the others over a channel; when it is closed, the next one takes over.
import { Store } from '../core/store';
import { get, setOnRefused, setToken } from './client';
import type { Job, Session, Workplace } from './types';

export type Connection = 'joining' | 'here' | 'lost' | 'anew';

export const session = new Store<Session | null>(null);
export const workplace = new Store<Workplace | null>(null);
export const jobs = new Store<readonly Job[]>([]);
export const connection = new Store<Connection>('joining');

const retryEvery = 1500;
const shortly = 300;

type Message =
  | { kind: 'job'; job: Job }
  | { kind: 'workplace'; workplace: Workplace }
  | { kind: 'lost' }
  | { kind: 'back' };

const channel = typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel('salvage.events');

/** The newest first, as the server lists them. */
export function putJob(job: Job): void {
  jobs.update((list) => {
    const at = list.findIndex((each) => each.id === job.id);
    return at < 0 ? [job, ...list] : list.map((each, i) => (i === at ? job : each));
  });
}

function take(message: Message): void {
  switch (message.kind) {
    case 'job':
      putJob(message.job);
      break;
    case 'workplace':
      workplace.set(message.workplace);
      break;
    case 'lost':
      lost();
      break;
    case 'back':
      void join();
      break;
  }
}

/** Says who we are, and takes in how things stand. */
export async function join(): Promise<boolean> {
  try {
    const answer = await get<Session>('/session');
    setToken(answer.token);
    const list = await get<{ jobs: Job[] }>('/jobs');
    session.set(answer);
    workplace.set(answer.workplace);
    jobs.set(list.jobs);
    connection.set('here');
    return true;
  } catch {
    return false;
  }
}

let waiting = false;

function lost(): void {
  if (connection.get() !== 'anew') {
    connection.set('lost');
  }
  if (waiting) {
    return;
  }
  waiting = true;
  const again = async () => {
    if (await join()) {
      waiting = false;
    } else {
      setTimeout(() => void again(), retryEvery);
    }
  };
  setTimeout(() => void again(), retryEvery);
}

/** Holds the stream until it breaks. */
function listen(): Promise<void> {
  return new Promise((resolve) => {
    const stream = new EventSource('/api/v1/events');
    const pass = (message: Message) => {
      take(message);
      channel?.postMessage(message);
    };
    stream.addEventListener('job', (event) => pass({ kind: 'job', job: JSON.parse(event.data) as Job }));
    stream.addEventListener('workplace', (event) =>
      pass({ kind: 'workplace', workplace: JSON.parse(event.data) as Workplace }),
    );
    stream.addEventListener('error', () => {
      // The browser would try again by itself, but not after a refusal, and it does not tell one from the other.
      stream.close();
      resolve();
    });
  });
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function lead(): Promise<never> {
  for (let isFirst = true; ; isFirst = false) {
    if (isFirst || (await join())) {
      if (!isFirst) {
        channel?.postMessage({ kind: 'back' } satisfies Message);
      }
      await listen();
      await pause(shortly); // a stream that ends at once must not become a storm of calls
    }
    if (!(await join())) {
      channel?.postMessage({ kind: 'lost' } satisfies Message);
      lost();
      await pause(retryEvery);
    }
  }
}

export async function start(): Promise<void> {
  setOnRefused((status) => {
    if (status === 401) {
      connection.set('anew');
    } else if (connection.get() === 'here') {
      lost();
    }
  });
  channel?.addEventListener('message', (event) => take(event.data as Message));
  if (!(await join())) {
    lost();
  }
  if ('locks' in navigator) {
    void navigator.locks.request('salvage.events', () => lead());
  } else {
    void lead();
  }
}
