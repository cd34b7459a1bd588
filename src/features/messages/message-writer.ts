import { setTimeout as delay } from 'node:timers/promises';
import { AppError } from '../../core/errors.ts';
import { createAnswerQueue } from './answer-queue.ts';
import { type BatchLoop, createBatchLoop } from './batch-loop.ts';
import { type Contention, createContentions } from './contentions.ts';
import { createLanes, type Lane } from './lanes.ts';
import { emptyHead, type Head } from './messages.contract.ts';
import { type Entry, headOf, placeAbove } from './messages.rules.ts';
import type { SendKey } from './messages.store.ts';
import {
  firstPerLane,
  forgetHead,
  isInUnplacedGroup,
  isUnchecked,
  isUnready,
  keyOf,
  keyTextOf,
  type Pending,
  partition,
  type Send,
  splitRepeats,
  type Written,
} from './pending.ts';

interface WriterDeps {
  log: {
    append(entries: readonly Entry[]): Promise<number>;
    findHead(conversationId: string): Promise<Head | null>;
    findByKeys(keys: readonly SendKey[]): Promise<Entry[]>;
  };
  /** Which sends must not be written, as things stand now. Asked once for all that waits. */
  findRefused(sends: readonly Send[]): Promise<Map<Send, AppError>>;
  /** Makes sure that the members find the conversation. Called before its first entry is written. */
  openConversation(first: Send): Promise<void>;
  /** Told of every new entry, in the order of the log. */
  onAppended(entry: Entry): void;
}

const mostWaiting = 20_000;
/** So many messages are worth a read of their own while the batch before them is written. */
const aheadFrom = 100;
const stallLimitMs = 3000;
const jitterMs = 10;

/** Since when a batch meets nothing but conflicts, and how much of it was left then. */
interface Stall {
  since: number;
  rest: number;
}

export type MessageWriter = ReturnType<typeof createMessageWriter>;

/**
 * Gives each conversation its one order. What waits is checked together and written together, one ordered insert at a
 * time; the next `seq` comes from memory, and the unique indexes are the judge of it (promises 1 to 4).
 */
export function createMessageWriter({ log, findRefused, openConversation, onAppended }: WriterDeps) {
  const lanes = createLanes();
  const answers = createAnswerQueue();
  const shared = createBatchLoop<Pending>((batch) => {
    waitingUnchecked = 0;
    return writeBatch(batch, divert);
  });
  const contentions = createContentions<Pending>((batch, contention) => {
    const stall: Stall = { since: 0, rest: 0 };
    return writeBatch(batch, (rest) => retry(rest, contention, stall));
  });

  /** The check of what waits already, under way. */
  let ahead: Promise<unknown> | null = null;
  let isAppending = false;
  let waitingUnchecked = 0;

  type OnConflict = (rest: Pending[]) => Promise<Pending[]>;

  async function writeBatch(batch: Pending[], onConflict: OnConflict): Promise<void> {
    await ahead;
    let rest = batch.filter(({ isSettled }) => !isSettled);
    try {
      while (rest.length > 0) {
        const unplaced = rest.filter(isInUnplacedGroup);
        if (unplaced.length > 0) await placeGroups(unplaced);
        [rest] = await Promise.all([check(rest), readHeads(rest)]);
        await openNew(rest);
        if (rest.some(isUnready)) continue;
        const [firsts, repeats] = splitRepeats(rest);
        const entries = numbered(firsts);
        isAppending = true;
        const written = await log.append(entries).finally(() => {
          isAppending = false;
        });
        accept(firsts.slice(0, written), entries);
        rest = [...firsts.slice(written), ...repeats];
        if (rest.length > 0) rest = await settleTaken(rest, onConflict);
      }
    } catch (error) {
      abandon(rest, error);
    }
  }

  /** Checks the authority of what was not checked since it may have changed; settles what is refused. */
  async function check(batch: Pending[]): Promise<Pending[]> {
    const unchecked = batch.filter(isUnchecked);
    if (unchecked.length === 0) return batch;
    const epochs = unchecked.map(({ lane }) => lane.epoch);
    const refused = await findRefused(unchecked.map(({ send }) => send));
    // who is refused stays unchecked until that is settled, should the look for its key fail
    for (const [index, pending] of unchecked.entries())
      if (!refused.has(pending.send)) pending.checkedEpoch = epochs[index] ?? -1;
    if (refused.size === 0) return batch;
    const [settled, rest] = partition(batch, ({ send }) => refused.has(send));
    // a repeat is answered with the stored message even where a new send would be refused
    const unknown = await settleRepeats(settled);
    for (const pending of unknown) settle(pending, () => pending.reject(refused.get(pending.send)));
    return rest;
  }

  /**
   * Under load, checks what waits while the batch before it is written, so that the next one need not wait for it. If that
   * fails, or something changes meanwhile, it is checked again with its batch.
   */
  function checkAhead(): void {
    if (ahead || !isAppending || waitingUnchecked < aheadFrom) return;
    waitingUnchecked = 0;
    ahead = check(shared.waiting())
      .catch(() => {})
      .finally(() => {
        ahead = null;
      });
  }

  async function readHeads(batch: Pending[]): Promise<void> {
    const cold = batch.filter(({ lane }) => lane.head === null);
    await Promise.all(
      firstPerLane(cold).map(async ({ lane, send }) => {
        lane.head = (await log.findHead(send.conversationId)) ?? emptyHead;
      }),
    );
  }

  /**
   * In a group, another process may have taken somebody out by an entry below the head: what was checked before the head
   * was read is checked again. In a conversation of two, nothing in the log tells of it.
   */
  async function placeGroups(batch: Pending[]): Promise<void> {
    await readHeads(batch);
    for (const { lane } of firstPerLane(batch)) lane.epoch++;
  }

  /** Before its first message only, and not for a message that is refused: that would show a stranger a conversation. */
  async function openNew(admitted: Pending[]): Promise<void> {
    const unopened = admitted.filter(({ lane }) => lane.head?.seq === 0);
    if (unopened.length > 0)
      await Promise.all(firstPerLane(unopened).map(({ send }) => openConversation(send)));
  }

  function accept(batch: Pending[], entries: Entry[]): void {
    for (const [index, pending] of batch.entries()) {
      const entry = entries[index] as Entry;
      pending.lane.head = headOf(entry);
      onAppended(entry);
      settle(pending, () => pending.resolve({ entry, isRepeat: false }));
    }
  }

  /** The first of `rest` was not written: its key is known, or another process took its place in the log. */
  async function settleTaken(rest: Pending[], onConflict: OnConflict): Promise<Pending[]> {
    const [first] = rest;
    const unknown = await settleRepeats(rest);
    return unknown[0] === first ? onConflict(unknown) : unknown;
  }

  /** Answers those whose idempotency key is stored already; returns the others. */
  async function settleRepeats(batch: Pending[]): Promise<Pending[]> {
    const stored = await log.findByKeys(batch.map(({ send }) => keyOf(send)));
    if (stored.length === 0) return batch;
    const byKey = new Map(stored.map((entry) => [keyTextOf(entry), entry]));
    return batch.filter((pending) => {
      const entry = byKey.get(keyTextOf(pending.send));
      if (!entry) return true;
      const isSame = entry.requestHash === pending.send.requestHash;
      settle(pending, () =>
        isSame
          ? pending.resolve({ entry, isRepeat: true })
          : pending.reject(new AppError('idempotency_mismatch')),
      );
      return false;
    });
  }

  /** Sends a contended conversation's messages on a way of their own, so that the others need not wait for it. */
  async function divert(rest: Pending[]): Promise<Pending[]> {
    const conversationId = (rest[0] as Pending).send.conversationId;
    const belongs = ({ send }: Pending) => send.conversationId === conversationId;
    const [taken, others] = partition(rest, belongs);
    const contention = contentions.begin(conversationId);
    for (const pending of [...taken, ...shared.extract(belongs)]) {
      forgetHead(pending);
      contention.loop.push(pending);
    }
    return others;
  }

  /** Has head and authority read again; without progress since the last conflict after a pause, so that one wins. */
  async function retry(rest: Pending[], contention: Contention<Pending>, stall: Stall): Promise<Pending[]> {
    const now = Date.now();
    contention.lastConflictAt = now;
    for (const pending of rest) forgetHead(pending);
    if (rest.length !== stall.rest) Object.assign(stall, { since: now, rest: rest.length });
    else if (now - stall.since > stallLimitMs) throw new AppError('unavailable');
    else await delay(Math.random() * jitterMs);
    return rest;
  }

  function settle(pending: Pending, answer: () => void): void {
    if (pending.isSettled) return;
    pending.isSettled = true;
    lanes.leave(pending.lane);
    answers.push(answer);
  }

  /** Nobody knows what was written, so the outcome is told as unknown and the heads are read again. */
  function abandon(rest: Pending[], error: unknown): void {
    for (const pending of rest) {
      forgetHead(pending);
      settle(pending, () => pending.reject(error));
    }
  }

  return {
    /** Writes a message. Resolves when it is on disk; a refusal rejects with its `AppError`. */
    submit(send: Send): Promise<Written> {
      const loop = contentions.find(send.conversationId)?.loop ?? shared;
      if (loop.size >= mostWaiting) return Promise.reject(new AppError('unavailable'));
      return new Promise((resolve, reject) => {
        const lane = lanes.enter(send.conversationId);
        loop.push({ send, lane, checkedEpoch: -1, isSettled: false, resolve, reject });
        if (loop !== shared) return;
        waitingUnchecked++;
        checkAhead();
      });
    },

    /** Makes what waits for this conversation be checked again: somebody's authority in it has changed. */
    recheck(conversationId: string): void {
      const lane = lanes.find(conversationId);
      if (lane) lane.epoch++;
    },

    /** Resolves when everything that was submitted is settled. */
    async idle(): Promise<void> {
      const loops: BatchLoop<Pending>[] = [shared, ...contentions.all().map(({ loop }) => loop)];
      await Promise.all(loops.map((loop) => loop.idle()));
    },
  };
}

/** Gives each message the next place in its log. */
function numbered(batch: readonly Pending[]): Entry[] {
  const now = new Date();
  const heads = new Map<Lane, Head>();
  return batch.map(({ send, lane }) => {
    const placement = placeAbove(heads.get(lane) ?? lane.head ?? emptyHead, send, now);
    heads.set(lane, headOf(placement));
    return { ...send, ...placement };
  });
}
