import { expect } from 'chai';
import type { EventInput, EventName, EventOutput } from '../../src/contracts.ts';
import { createHeadStore } from '../../src/features/conversations/heads.store.ts';
import { createHeads } from '../../src/features/conversations/heads.ts';
import { createMemberState } from '../../src/features/conversations/member-state.ts';
import { createMembershipStore } from '../../src/features/conversations/memberships.store.ts';
import { createMemberships } from '../../src/features/conversations/memberships.ts';
import { createMessageReader } from '../../src/features/messages/message-reader.ts';
import { createMessageViews } from '../../src/features/messages/message-views.ts';
import type { Message } from '../../src/features/messages/messages.contract.ts';
import { createMessageStore } from '../../src/features/messages/messages.store.ts';
import { createTurns } from '../../src/platform/turns.ts';
import { buildFriends, type TestUser } from '../support/builders.ts';
import type { TestSocket } from '../support/clients.ts';
import { startApp, type TestApp } from '../support/start-app.ts';
import { Storage } from '../support/storage.ts';

type Sync = EventOutput<'sync'>;

/** What a server does after somebody has deleted a message for themselves, and whom it tells. */
function memberStateOn({ connection, hidden }: Storage) {
  const messages = createMessageStore(connection);
  const told: string[][] = [];
  const reader = createMessageReader({ store: messages, hidden, views: createMessageViews('') });
  /** What happens between reading and writing. */
  const pause = { taken: async () => {} };
  const state = createMemberState({
    memberships: createMemberships({
      store: createMembershipStore(connection),
      floors: { of: () => Promise.resolve(new Map()) },
    }),
    heads: createHeads({
      store: createHeadStore(connection),
      findHeadsAbove: messages.findHeadsAbove,
      onFailure: (error) => {
        throw error;
      },
    }),
    describe: () => Promise.reject(new Error('not asked for here')),
    tellUpdated: (userId, conversationIds, originSocketId) =>
      told.push([userId, ...conversationIds, String(originSocketId)]),
    async readHistory(range, viewer) {
      const page = await reader.readHistory(range, viewer);
      await pause.taken();
      return page;
    },
    inTurn: createTurns(),
  });
  return { noteDeleted: state.noteDeleted, told, pause };
}

describe('conversations: my own state', () => {
  let app: TestApp;
  let storage: Storage;
  let server: ReturnType<typeof memberStateOn>;
  let ann: TestUser;
  let bob: TestUser;
  let mouth: TestSocket;
  let ear: TestSocket;

  before(async () => {
    app = await startApp();
    storage = await Storage.of(app);
    server = memberStateOn(storage);
  });
  beforeEach(async () => {
    [ann, bob] = await buildFriends(app.url);
    [mouth, ear] = await Promise.all([ann.connect(), bob.connect()]);
  });
  afterEach(() => {
    mouth.close();
    ear.close();
  });
  after(async () => {
    await storage.close();
    await app.close();
  });

  async function send(count: number): Promise<Message[]> {
    const sent: Message[] = [];
    for (let index = 0; index < count; index++)
      sent.push(await mouth.call('private_message', { receiverId: bob.id, content: `m${index}` }));
    return sent;
  }

  /** Bob’s next sync of a conversation of which he knows everything up to a seq. */
  const syncAfter = (since: string, conversationId: string, seq: number) =>
    ear.call('sync', { conversations: { [conversationId]: seq }, since });

  async function deleteForBob(message: Message): Promise<void> {
    await storage.deleteFor(bob, message);
    await server.noteDeleted(bob.id, message.conversationId, 'acting');
  }

  const lastOf = async (socket: TestSocket) =>
    (await socket.call('conversation_list', {})).items[0]?.lastMessage ?? null;

  type Change = { [Name in EventName]: [Name, Omit<EventInput<Name>, 'conversationId'>] }[EventName];
  const changes: [string, Change, Partial<Sync['items'][number]['conversation']>][] = [
    ['pinning', ['conversation_update', { pinned: true }], { pinned: true }],
    ['muting', ['conversation_update', { muted: true }], { muted: true }],
    ['hiding', ['conversation_hide', {}], { hidden: true }],
    ['clearing', ['conversation_clear', {}], { clearedSeq: 2, unread: 0 }],
  ];
  for (const [what, [event, input], outcome] of changes)
    it(`is told by sync after ${what}, once, without entries; the other side hears nothing of it`, async () => {
      const [{ conversationId }] = (await send(2)) as [Message, Message];
      const [mine, theirs] = await Promise.all([ear.call('sync', {}), mouth.call('sync', {})]);
      await ear.emit(event, { conversationId, ...input });
      const { items, since } = await syncAfter(mine.since, conversationId, 2);
      expect(items).to.have.length(1);
      expect(items[0]?.conversation).to.include(outcome);
      expect([items[0]?.entries, items[0]?.reset]).to.deep.equal([[], undefined]);
      expect((await syncAfter(since, conversationId, 2)).items).to.deep.equal([]);
      const other = await mouth.call('sync', {
        conversations: { [conversationId]: 2 },
        since: theirs.since,
      });
      expect(other.items).to.deep.equal([]);
      expect(mouth.untaken('conversation_updated')).to.deep.equal([]);
    });

  it('is told by sync after reading, on a device that has everything', async () => {
    const [{ conversationId }] = (await send(2)) as [Message];
    const { since } = await ear.call('sync', {});
    await bob.rest('POST', `/api/messages/private/${ann.id}/read`);
    const { items } = await syncAfter(since, conversationId, 2);
    expect(items[0]?.conversation).to.include({ readSeq: 2, unread: 0 });
  });

  it('resets what a device holds of a conversation that was cleared meanwhile', async () => {
    const [{ conversationId }] = (await send(3)) as [Message];
    const { since } = await ear.call('sync', {});
    await ear.call('conversation_clear', { conversationId });
    await send(1);
    const { items } = await syncAfter(since, conversationId, 2);
    expect(items.map(({ reset, entries }) => [reset, entries.map(({ seq }) => seq)])).to.deep.equal([
      ['cursor_expired', [4]],
    ]);
  });

  it('names what I deleted: among the entries given, which keep their places, and what was deleted since', async () => {
    const sent = (await send(4)) as [Message, Message, Message, Message];
    const { conversationId } = sent[0];
    const { since } = await ear.call('sync', {});
    for (const message of [sent[3], sent[0]]) await deleteForBob(message);
    const behind = (await syncAfter(since, conversationId, 2)).items[0];
    expect(behind?.conversation.deletedSeqs).to.deep.equal([1, 4]);
    expect(behind?.entries.map(({ seq, content }) => [seq, content])).to.deep.equal([
      [3, 'm2'],
      [4, null],
    ]);
    const anew = (await ear.call('sync', {})).items[0];
    expect(anew?.conversation.deletedSeqs).to.deep.equal([1, 4]);
    const complete = await syncAfter(since, conversationId, 4);
    expect(complete.items[0]?.conversation.deletedSeqs).to.deep.equal([1, 4]);
    expect((await syncAfter(complete.since, conversationId, 4)).items).to.deep.equal([]);
    expect((await mouth.call('sync', {})).items[0]?.conversation.deletedSeqs).to.deep.equal([]);
  });

  it('is told by sync of a deletion that a crash left alone', async () => {
    const [, second] = (await send(2)) as [Message, Message];
    const { since } = await ear.call('sync', {});
    await storage.deleteFor(bob, second);
    const { items } = await syncAfter(since, second.conversationId, 2);
    expect(items[0]?.conversation.deletedSeqs).to.deep.equal([2]);
  });

  describe('the last message after deleting for me', () => {
    it('is the newest that is left, for me alone', async () => {
      const sent = await send(4);
      await deleteForBob(sent[3] as Message);
      expect((await lastOf(ear))?.seq).to.equal(3);
      expect((await ear.call('sync', {})).items[0]?.conversation.lastMessage?.seq).to.equal(3);
      expect((await lastOf(mouth))?.seq).to.equal(4);
      await deleteForBob(sent[1] as Message);
      expect((await lastOf(ear))?.seq).to.equal(3);
      await deleteForBob(sent[2] as Message);
      expect((await lastOf(ear))?.seq).to.equal(1);
      await deleteForBob(sent[0] as Message);
      expect(await lastOf(ear)).to.equal(null);
      const [next] = (await send(1)) as [Message];
      expect((await lastOf(ear))?.id).to.equal(next.id);
      await deleteForBob(next);
      expect(await lastOf(ear)).to.equal(null);
    });

    it('is none where the rest was cleared', async () => {
      const [{ conversationId }] = (await send(2)) as [Message];
      await ear.call('conversation_clear', { conversationId });
      await deleteForBob((await send(1))[0] as Message);
      expect(await lastOf(ear)).to.equal(null);
    });

    it('ends right when many are deleted at the same time, and tells my devices but the acting one', async () => {
      const sent = await send(6);
      const { conversationId } = sent[0] as Message;
      server.told.length = 0;
      await Promise.all(sent.slice(2).map(deleteForBob));
      expect((await lastOf(ear))?.seq).to.equal(2);
      expect(server.told).to.deep.equal(Array.from({ length: 4 }, () => [bob.id, conversationId, 'acting']));
    });

    it('is not set back by an earlier deletion that is slow', async () => {
      const [, second, third] = (await send(3)) as [Message, Message, Message];
      let release = () => {};
      const released = new Promise<void>((resolve) => {
        release = resolve;
      });
      const read = new Promise<void>((resolve) => {
        server.pause.taken = () => {
          server.pause.taken = async () => {};
          resolve();
          return released;
        };
      });
      const slow = deleteForBob(third);
      await read;
      const next = deleteForBob(second);
      for (let count = 0; count < 10; count++) await ear.call('sync', {});
      release();
      await Promise.all([slow, next]);
      expect((await lastOf(ear))?.seq).to.equal(1);
    });

    it('does not come up for who has no such conversation', async () => {
      const [{ conversationId }] = (await send(1)) as [Message];
      server.told.length = 0;
      await server.noteDeleted('f'.repeat(24), conversationId, null);
      await server.noteDeleted(bob.id, 'f'.repeat(24), null);
      expect(server.told).to.deep.equal([]);
    });
  });
});
