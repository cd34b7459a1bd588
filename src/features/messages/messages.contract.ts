import { z } from 'zod';
import { id, timestamp } from '../../core/ids.ts';
import { operation } from '../../core/operation.ts';
import { isBlank } from '../../core/text.ts';
import { told } from '../../core/validation-messages.ts';

const customMaxBytes = 4096;
const isSmallJson = (value: unknown) =>
  value !== undefined && Buffer.byteLength(JSON.stringify(value)) <= customMaxBytes;

export const textContent = z
  .string()
  .max(4000)
  .refine((text) => !isBlank(text), told({ en: 'Must not be blank', zh: '不能为空白' }));

/** Given back as the whole File. */
const upload = z.object({ fileId: id.meta({ description: 'An upload of mine' }) });

/** What a message may hold, by its `contentType`. */
const contents = {
  text: textContent,
  location: z.strictObject({
    latitude: z.number().min(-90).max(90),
    longitude: z.number().min(-180).max(180),
    name: z.string().max(200).optional(),
  }),
  card: z.strictObject({ userId: id }),
  image: upload,
  file: upload,
  audio: upload,
  video: upload,
  // not z.json(), which drops a key __proto__; the input guard lets nothing but JSON pass
  custom: z.unknown().refine(isSmallJson, told({ en: 'At most 4 KiB of JSON', zh: 'JSON 最多 4 KiB' })),
};

const contentType = z.enum(['text', 'image', 'file', 'audio', 'video', 'location', 'card', 'custom']);
export type ContentType = z.output<typeof contentType>;

const attachments = ['image', 'file', 'audio', 'video'] as const satisfies readonly ContentType[];

export function isAttachment(type: string): type is (typeof attachments)[number] {
  return attachments.some((attachment) => attachment === type);
}

/** Of every entry of a log: a message, or `system` for what happened to the conversation or to one of its messages. */
const entryType = z.enum([...contentType.options, 'system']);

const outgoing = {
  replyTo: id.optional().meta({ description: 'A message of this conversation' }),
  forwardOf: id.optional().meta({ description: 'A message that I see, in place of content' }),
  content: z
    .unknown()
    .optional()
    .meta({ description: 'As `contentType` says; a text has at most 4,000 UTF-16 units' }),
  contentType: contentType.default('text'),
  clientMessageId: z.string().min(1).max(64).optional().meta({
    description:
      'Idempotency key: repeat a send whose outcome is unknown with the same one, and it is stored once',
  }),
};

/** What somebody gives to be sent, wherever it goes. */
export interface MessageInput {
  contentType: ContentType;
  content?: unknown;
  clientMessageId?: string | undefined;
  replyTo?: string | undefined;
  forwardOf?: string | undefined;
}

function checkContent({ value, issues }: z.core.ParsePayload<MessageInput>): void {
  if (value.forwardOf !== undefined) return;
  const { success, data, error } = contents[value.contentType].safeParse(value.content);
  if (success) {
    value.content = data;
    return;
  }
  for (const issue of error.issues) {
    const { message: _, ...raw } = issue;
    issues.push({ ...raw, path: ['content', ...issue.path], input: value.content } as z.core.$ZodRawIssue);
  }
}

const hasEither = ({ content, forwardOf }: MessageInput) => content === undefined || forwardOf === undefined;
const eitherContentOrOriginal = {
  path: ['content'],
  ...told({ en: 'Give content or forwardOf, not both', zh: 'content 与 forwardOf 不能同时使用' }),
};

/** A member, or everybody. */
const mention = z.union([id, z.literal('all')]);
const mostMentions = 100;
const mentions = z
  .array(mention)
  .max(mostMentions)
  .transform((mentioned) => [...new Set(mentioned)])
  .optional()
  .meta({ description: 'Ids of members, or `all` where I may; each counts once' });

const reaction = z.object({
  emoji: z.string(),
  count: z.int().min(1),
  userIds: z.array(id).meta({ description: 'The first 50' }),
});

/** The original of a reply, as it is now. */
const quote = z.object({
  id,
  senderId: id,
  contentType: entryType,
  content: z.unknown(),
  recalledAt: timestamp.nullable(),
});

/** A message as it is now. `status`: of my message by the other's marks, of theirs by mine; pushes say `sent`. */
export const message = z
  .object({
    id,
    conversationId: id,
    seq: z.int().min(1).meta({ description: 'Place in the conversation, dense: 1, 2, 3 …' }),
    rev: z.int().min(1).meta({ description: 'Rises with every change; ignore a lower one' }),
    type: z.enum(['private', 'group']),
    senderId: id,
    receiverId: id.optional(),
    groupId: id.optional(),
    contentType: entryType,
    content: z
      .unknown()
      .meta({ description: '`system`: `{ event, data }`, named and shaped like the live event' }),
    mentions: z.array(mention).optional(),
    replyTo: quote.optional(),
    forwarded: z.boolean().optional(),
    reactions: z.array(reaction).optional(),
    clientMessageId: z.string().optional().meta({ description: 'To its sender only, and never in a push' }),
    createdAt: timestamp,
    editedAt: timestamp.nullable(),
    recalledAt: timestamp.nullable(),
    recalledBy: id.optional(),
    status: z.enum(['sent', 'delivered', 'read']),
  })
  .meta({ id: 'Message' });
export type Message = z.output<typeof message>;

/** High-water marks of one member in one conversation; 0 before the first. */
export interface Marks {
  readSeq: number;
  deliveredSeq: number;
}

/** Where a log stands: its newest entry, and what the log holds up to and including it. */
export interface Head {
  seq: number;
  messageCount: number;
  /** How many of them the one with the lower id wrote; what the other wrote, and so what is unread, is the rest. */
  lowCount: number;
  /** The newest message; entries above it are changes. 0 before the first. */
  lastMessageSeq: number;
  /** Never sinks within a log, so that a limit in time is a limit in `seq`. */
  at: Date;
}

export const emptyHead: Head = {
  seq: 0,
  messageCount: 0,
  lowCount: 0,
  lastMessageSeq: 0,
  at: new Date(0),
};

/** The marks of both sides of a private conversation, from the viewer's side. */
export interface BothMarks {
  own: Marks;
  peer: Marks;
}

/** Who looks, and what of a conversation is theirs to see. */
export interface Viewer {
  userId: string;
  marks: BothMarks;
  /** What is below was written before they came. */
  joinedFrom: number;
  /** The first seq that they see. */
  visibleFrom: number;
}

const seqRange = {
  before: z.int().min(1).optional(),
  after: z.int().min(0).optional(),
  limit: z.int().min(1).max(100).default(50),
};

export const messagesContract = {
  sendPrivate: operation({
    summary: 'Send a message to a friend; acknowledged when it is on disk',
    access: 'user',
    input: z
      .object({ receiverId: id, ...outgoing })
      .refine(hasEither, eitherContentOrOriginal)
      .check(checkContent),
    output: message,
    status: 201,
    errors: ['unauthenticated', 'not_allowed', 'not_found', 'message_recalled', 'idempotency_mismatch'],
    routes: [{ method: 'POST', path: '/api/messages/private/:friendId', rename: { friendId: 'receiverId' } }],
    event: 'private_message',
    frames: [{ type: 'text_message', success: 'message_sent', failure: 'error' }],
    flood: 'send',
  }),
  sendGroup: operation({
    summary: 'Send a message to a group of mine; acknowledged when it is on disk',
    access: 'user',
    input: z
      .object({ groupId: id, ...outgoing, mentions })
      .refine(hasEither, eitherContentOrOriginal)
      .check(checkContent),
    output: message,
    status: 201,
    errors: [
      'unauthenticated',
      'not_allowed',
      'muted',
      'not_found',
      'message_recalled',
      'idempotency_mismatch',
    ],
    routes: [{ method: 'POST', path: '/api/messages/group/:groupId' }],
    event: 'group_message',
    flood: 'send',
  }),
  history: operation({
    summary: 'A page of a conversation: the newest, or those before or after a seq; ascending',
    access: 'user',
    input: z
      .object({ friendId: id.optional(), groupId: id.optional(), ...seqRange })
      .refine(
        ({ friendId, groupId }) => (friendId === undefined) !== (groupId === undefined),
        told({ en: 'Name exactly one of friendId and groupId', zh: 'friendId 与 groupId 须且只能填写一个' }),
      )
      .refine(
        ({ before, after }) => before === undefined || after === undefined,
        told({ en: 'Give before or after, not both', zh: 'before 与 after 不能同时使用' }),
      ),
    output: z.object({
      items: z.array(message),
      nextCursor: z.int().nullable().meta({ description: 'The next `before` (or `after`)' }),
    }),
    errors: ['unauthenticated', 'not_found'],
    routes: [
      { method: 'GET', path: '/api/messages/private/:friendId' },
      { method: 'GET', path: '/api/messages/group/:groupId' },
      { method: 'GET', path: '/api/message/history/:friendId', alias: true },
    ],
    event: 'message_history',
    flood: 'read',
  }),
};

const seq = z.int().min(1);

/** What an event about a message says of it; `seq` is the place of the change itself, `rev` that of the message. */
const about = { messageId: id, conversationId: id, seq, messageSeq: seq, rev: z.int().min(1) };

/** Changes of messages: live events, and the content of their entries in the log. */
const changeEvents = {
  message_recalled: z.object({ ...about, recalledBy: id, at: timestamp }),
  message_edited: z.object({ ...about, content: z.unknown(), editedAt: timestamp }),
  message_reacted: z.object({ ...about, userId: id, emoji: z.string(), active: z.boolean() }),
};
export type ChangeEvents = { [Name in keyof typeof changeEvents]: z.output<(typeof changeEvents)[Name]> };

export const messagesEvents = { new_private_message: message, new_group_message: message, ...changeEvents };

/** Events that `/ws` calls by another name, as its older clients do. */
export const messagesFrameTypes = { new_private_message: 'new_message' };
