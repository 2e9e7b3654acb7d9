// A conversation, as the phone showed it; long ones in parts.
import { useState } from 'preact/hooks';
import { get, Key, url } from '../api/client';
import { workplace } from '../api/state';
import type { Attachment, Conversation, Message } from '../api/types';
import { numberParameter, useAddress } from '../core/router';
import { useStore } from '../core/store';
import { count } from '../core/text';
import { Link, Problem, Skeleton } from '../parts/basic';
import { useLoad, useTitle } from '../parts/hooks';
import { fileLink } from './files';
import { NotOpened } from './waiting';

function AttachmentOf({ attachment }: { attachment: Attachment }) {
  const [isBroken, setBroken] = useState(false);
  if (attachment.key === null) {
    return <p class="bubble-lost"><bdi>{attachment.name}</bdi>: {attachment.problem ?? 'it is not on the phone'}</p>;
  }
  return (
    <p class="bubble-attachment">
      <Link to={fileLink(attachment.key, false)}>
        {attachment.kind === 'image' && !isBroken && (
          <img src={url('/thumbnail', { path: new Key(attachment.key) })} alt="" loading="lazy" onError={() => setBroken(true)} />
        )}
        <bdi>{attachment.name}</bdi>
      </Link>
      {attachment.problem && <span class="bubble-lost"> {attachment.problem}</span>}
    </p>
  );
}

function Bubble({ message, isGroup }: { message: Message; isGroup: boolean }) {
  return (
    <li class={message.own ? 'bubble is-own' : 'bubble'}>
      <p class="bubble-head faint" title={message.origin}>
        <span class={message.own || isGroup ? '' : 'only-heard'}><bdi>{message.own ? 'You' : message.from}</bdi>, </span>
        {message.time === '' ? 'no time' : message.time}{message.note !== '' && <strong>, {message.note}</strong>}
      </p>
      {message.text !== '' && <p class="bubble-text" dir="auto">{message.text}</p>}
      {message.attachments.map((attachment, i) => <AttachmentOf key={i} attachment={attachment} />)}
    </li>
  );
}

function Parts({ conversation }: { conversation: Conversation }) {
  if (conversation.count <= 1) {
    return null;
  }
  const part = (id: number | null, label: string) => (id === null ? <span class="faint">{label}</span> : <Link to={`/conversation?id=${id}`}>{label}</Link>);
  return (
    <nav class="pager" aria-label="Parts of the conversation">
      {part(conversation.previous, 'Earlier')}
      <span class="faint">Part {count(conversation.number)} of {count(conversation.count)}</span>
      {part(conversation.next, 'Later')}
    </nav>
  );
}

export function ConversationPage() {
  const { query } = useAddress();
  const work = useStore(workplace);
  const id = numberParameter(query, 'id') ?? 0;
  const loaded = useLoad(work?.is_open ? `conversation ${id}` : null, (signal) => get<Conversation>(`/conversations/${id}`, {}, signal));
  const conversation = loaded.value;
  useTitle(conversation?.title ?? 'Conversation');
  if (!work?.is_open) {
    return <NotOpened title="Messages" />;
  }
  const isGroup = new Set(conversation?.messages.filter((message) => !message.own).map((message) => message.from)).size > 1;
  return (
    <div class="page">
      <p><Link to={conversation ? `/messages?kind=${conversation.kind}` : '/messages'}>All conversations</Link></p>
      <h1 class="file-title"><bdi>{conversation?.title ?? 'Conversation'}</bdi></h1>
      <p class="faint cut"><bdi>{conversation && conversation.people !== conversation.title ? conversation.people : '\u00a0'}</bdi></p>
      {loaded.error && <Problem facts={loaded.error} onAgain={loaded.reload} />}
      {!conversation && !loaded.error && <Skeleton lines={12} label="Loading the conversation" />}
      {conversation && (
        <>
          <Parts conversation={conversation} />
          <ol class="bubbles">
            {conversation.messages.map((message, i) => <Bubble key={i} message={message} isGroup={isGroup} />)}
          </ol>
          <Parts conversation={conversation} />
        </>
      )}
    </div>
  );
}
