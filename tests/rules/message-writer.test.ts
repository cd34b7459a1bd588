import { expect } from 'chai';
import fc from 'fast-check';
import type { Send } from '../../src/features/messages/pending.ts';
import {
  buildSend,
  codeOf,
  createSharedLog,
  createWriter,
  refusal,
  soon,
} from '../support/message-writer.ts';

describe('message writer', () => {
  it('keeps every log dense and whole, whoever writes to it and repeats what', async () => {
    const step = fc.record({
      writer: fc.nat(2),
      conversationId: fc.constantFrom('c', 'd'),
      content: fc.nat(30).map(String),
      wait: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const log = createSharedLog();
        const writers = Array.from({ length: 3 }, () => createWriter({ log }));
        const outcomes: Promise<string>[] = [];
        for (const { writer, conversationId, content, wait } of steps) {
          const requestHash = `${conversationId} ${content}`;
          const submitted = writers[writer]?.submit(buildSend({ conversationId, content, requestHash }));
          if (submitted) outcomes.push(codeOf(submitted));
          if (wait) await soon();
        }
        for (const outcome of await Promise.all(outcomes))
          expect(outcome).to.be.oneOf(['stored', 'idempotency_mismatch']);
        for (const conversationId of ['c', 'd']) {
          const own = log.of(conversationId);
          expect(own.map(({ seq }) => seq)).to.deep.equal(own.map((_, index) => index + 1));
          expect(own.map(({ messageCount }) => messageCount)).to.deep.equal(own.map((_, index) => index + 1));
        }
        expect(new Set(log.entries.map(({ clientMessageId }) => clientMessageId)).size).to.equal(
          log.entries.length,
        );
        expect(log.entries.length).to.equal(new Set(steps.map(({ content }) => content)).size);
      }),
      { numRuns: 60 },
    );
  }).timeout(60_000);

  it('writes what waits in one insert, and asks for authority and heads once', async () => {
    const log = createSharedLog();
    const asked: number[] = [];
    const writer = createWriter({
      log,
      findRefused: async (sends) => {
        asked.push(sends.length);
        return new Map();
      },
    });
    const appended: number[] = [];
    const { append } = log;
    log.append = (batch) => {
      appended.push(batch.length);
      return append(batch);
    };
    await Promise.all(
      Array.from({ length: 100 }, (_, index) => writer.submit(buildSend({ content: `${index}` }))),
    );
    expect([asked, appended]).to.deep.equal([[100], [100]]);
  });

  it('checks authority again where it changed after the check and before the write', async () => {
    const log = createSharedLog();
    let isAllowed = true;
    const writer = createWriter({
      log,
      findRefused: async (sends) => (isAllowed ? new Map() : new Map(sends.map((send) => [send, refusal()]))),
      openConversation: async ({ conversationId }) => {
        if (!isAllowed) return;
        isAllowed = false;
        writer.recheck(conversationId);
      },
    });
    expect(await codeOf(writer.submit(buildSend()))).to.equal('not_allowed');
    expect(log.entries).to.deep.equal([]);
  });

  it('checks what waits while a batch is written, and again if authority changes before its own turn', async () => {
    const log = createSharedLog();
    const append = log.append;
    let release = () => {};
    log.append = async (batch) => {
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      return append(batch);
    };
    const checks: number[] = [];
    let whenChecked = () => {};
    let isAllowed = true;
    const writer = createWriter({
      log,
      async findRefused(sends) {
        checks.push(sends.length);
        whenChecked();
        await soon();
        return isAllowed ? new Map() : new Map(sends.map((send) => [send, refusal()]));
      },
    });
    const first = writer.submit(buildSend({ content: 'first' }));
    while (checks.length < 1) await soon();
    await soon();
    await soon();
    const ahead = new Promise<void>((resolve) => {
      whenChecked = resolve;
    });
    const waiting = Array.from({ length: 150 }, (_, index) =>
      writer.submit(buildSend({ content: `waiting ${index}` })),
    );
    await ahead;
    expect(checks).to.deep.equal([1, 100]);
    await soon();
    isAllowed = false;
    writer.recheck('c');
    release();
    expect(await codeOf(first)).to.equal('stored');
    expect(new Set(await Promise.all(waiting.map(codeOf)))).to.deep.equal(new Set(['not_allowed']));
    expect(log.entries).to.have.length(1);
  });

  it('writes nothing that an early check refused, even if the look for its key fails then', async () => {
    const log = createSharedLog();
    const { append, findByKeys } = log;
    let release = () => {};
    log.append = async (batch) => {
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      return append(batch);
    };
    let looks = 0;
    let whenLooked = () => {};
    const looked = new Promise<void>((resolve) => {
      whenLooked = resolve;
    });
    log.findByKeys = async (keys) => {
      looks++;
      whenLooked();
      if (looks === 1) throw new Error('the database is away');
      return findByKeys(keys);
    };
    const writer = createWriter({
      log,
      findRefused: async (sends) =>
        new Map(sends.filter(({ content }) => content !== 'first').map((send) => [send, refusal()])),
    });
    const first = writer.submit(buildSend({ content: 'first' }));
    for (let turn = 0; turn < 5; turn++) await soon();
    const waiting = Array.from({ length: 120 }, (_, index) =>
      writer.submit(buildSend({ content: `refused ${index}` })),
    );
    await looked;
    await soon();
    release();
    expect(await codeOf(first)).to.equal('stored');
    expect(new Set(await Promise.all(waiting.map(codeOf)))).to.deep.equal(new Set(['not_allowed']));
    expect(log.entries).to.have.length(1);
  });

  it('checks authority again after another process wrote to the conversation', async () => {
    const log = createSharedLog();
    const other = createWriter({ log });
    let isAllowed = true;
    const writer = createWriter({
      log,
      findRefused: async (sends) => (isAllowed ? new Map() : new Map(sends.map((send) => [send, refusal()]))),
    });
    await writer.submit(buildSend({ content: 'warm' }));
    await other.submit(buildSend({ content: 'theirs', senderId: 'bob' }));
    const { append } = log;
    log.append = (batch) => {
      isAllowed = false;
      return append(batch);
    };
    expect(await codeOf(writer.submit(buildSend({ content: 'late' })))).to.equal('not_allowed');
    expect(log.of('c').map(({ content }) => content)).to.deep.equal(['warm', 'theirs']);
  });

  it('checks authority in a group after the head was read, as somebody may be out of it by what stands below', async () => {
    const log = createSharedLog();
    const other = createWriter({ log });
    const findHead = log.findHead;
    let isMember = true;
    log.findHead = async (conversationId) => {
      isMember = false;
      await other.submit(buildSend({ type: 'group', senderId: 'admin', content: 'removed' }));
      return findHead(conversationId);
    };
    const findRefused = async (sends: readonly Send[]) =>
      isMember ? new Map() : new Map(sends.map((send) => [send, refusal()]));
    const writer = createWriter({ log: { ...log, findHead: log.findHead }, findRefused });
    log.findHead = findHead;
    expect(await codeOf(writer.submit(buildSend({ type: 'group', content: 'late' })))).to.equal(
      'not_allowed',
    );
    expect(log.of('c').map(({ content }) => content)).to.deep.equal(['removed']);
  });

  it('tells an unknown outcome when the write fails, and goes on from what the log says', async () => {
    const log = createSharedLog();
    const writer = createWriter({ log });
    await writer.submit(buildSend({ content: 'first' }));
    const { append } = log;
    log.append = async (batch) => {
      await append(batch);
      throw new Error('the connection was lost after the write');
    };
    expect(await codeOf(writer.submit(buildSend({ content: 'second' })))).to.contain('lost');
    log.append = append;
    const again = await writer.submit(buildSend({ content: 'second' }));
    expect([again.isRepeat, again.entry.seq]).to.deep.equal([true, 2]);
    expect((await writer.submit(buildSend({ content: 'third' }))).entry.seq).to.equal(3);
  });

  it('never lets time sink within a log', async () => {
    const log = createSharedLog();
    const later = new Date(Date.now() + 60_000);
    log.entries.push({
      ...buildSend({ content: 'ahead' }),
      seq: 1,
      messageCount: 1,
      lowCount: 1,
      createdAt: later,
    });
    const { entry } = await createWriter({ log }).submit(buildSend({ content: 'now' }));
    expect(entry.createdAt).to.deep.equal(later);
  });
});
