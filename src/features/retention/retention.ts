/** A log, how far it is kept, and since when its kept entries are; `null` if nobody has looked yet. */
interface KeptLog {
  conversationId: string;
  floorSeq: number;
  keptSince: Date | null;
}

interface RetentionDeps {
  /** How long messages are kept. */
  keptForMs: number;
  logs: {
    /** Those not looked at yet, and then those that keep the oldest entries. */
    findLongestKept(limit: number): Promise<KeptLog[]>;
    raiseFloors(floorSeqs: ReadonlyMap<string, number>): Promise<void>;
    noteKept(times: ReadonlyMap<string, Date>): Promise<void>;
  };
  /** The first entry of each log, from a place on, that is not older than a time; `at: null` if all are. */
  findYoung(
    lowest: ReadonlyMap<string, number>,
    since: Date,
  ): Promise<ReadonlyMap<string, { seq: number; at: Date | null }>>;
  messages: {
    findBelow(conversationId: string, seq: number, limit: number): Promise<{ id: string; seq: number }[]>;
    remove(ids: readonly string[]): Promise<void>;
    empty(id: string): Promise<void>;
  };
  /** Removes what else is kept of messages. Called again after a crash, so repeating must be harmless. */
  forget(messageIds: readonly string[]): Promise<void>;
}

const logsPerStep = 100;
const messagesPerStep = 200;

/**
 * Deletes for good what is older than messages are kept. The floor of a log is raised first: nobody sees what lies below
 * it, whether or not it is gone. The entry below the floor stays, empty, so that a log goes on from where it was and the
 * counts of what lies above can be told.
 */
export function createRetention({ keptForMs, logs, findYoung, messages, forget }: RetentionDeps) {
  async function removeBelow(conversationId: string, floorSeq: number): Promise<void> {
    for (;;) {
      const entries = await messages.findBelow(conversationId, floorSeq, messagesPerStep);
      if (entries.length === 0) return;
      await forget(entries.map(({ id }) => id));
      const last = entries.find(({ seq }) => seq === floorSeq - 1);
      await messages.remove(entries.filter((entry) => entry !== last).map(({ id }) => id));
      if (last) return messages.empty(last.id);
    }
  }

  async function sweepStep(due: readonly KeptLog[], since: Date): Promise<void> {
    const now = new Date();
    const lowest = new Map(
      due.map(({ conversationId, floorSeq }) => [conversationId, Math.max(floorSeq, 1)]),
    );
    const young = await findYoung(lowest, since);
    const floors = new Map([...young].map(([conversationId, { seq }]) => [conversationId, seq]));
    const raised = new Map([...floors].filter(([, seq]) => seq > 1));
    await logs.raiseFloors(raised);
    for (const [conversationId, seq] of raised) await removeBelow(conversationId, seq);
    // last, so that what a crash leaves is due again
    await logs.noteKept(new Map([...young].map(([conversationId, { at }]) => [conversationId, at ?? now])));
  }

  return {
    /** Sweeps all logs that keep what is too old. Several processes at once are harmless. */
    async sweep(): Promise<void> {
      const since = new Date(Date.now() - keptForMs);
      for (;;) {
        const oldest = await logs.findLongestKept(logsPerStep);
        const due = oldest.filter(({ keptSince }) => keptSince === null || keptSince < since);
        if (due.length > 0) await sweepStep(due, since);
        if (due.length < logsPerStep) return;
      }
    },
  };
}
