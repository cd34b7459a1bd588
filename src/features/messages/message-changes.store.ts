import { type Connection, type mongo, Types } from 'mongoose';
import { type EntryDocument, messageCollection, toEntry } from './message-collection.store.ts';
import type { Entry, OutboxItem } from './messages.rules.ts';

/** What a change makes of a message; a field that is `undefined` goes. */
export type MessageUpdate = Partial<
  Pick<Entry, 'content' | 'editedAt' | 'recalledAt' | 'recalledBy' | 'recalledSeq'>
> & { reactions?: Entry['reactions'] | undefined; replyTo?: undefined; mentions?: undefined };

export type MessageChangeStore = ReturnType<typeof createMessageChangeStore>;

/** Changes of single messages, each one conditional write that also says what has to be written to the log. */
export function createMessageChangeStore(connection: Connection) {
  const messages = messageCollection(connection);

  return {
    newId: () => new Types.ObjectId().toHexString(),

    async find(messageId: string): Promise<Entry | null> {
      const found = await messages.findOne({ _id: new Types.ObjectId(messageId) });
      return found && toEntry(found as EntryDocument);
    },

    /** Makes a change, unless another one came first (then `null`) or is not in the log yet. */
    async commit(before: Entry, update: MessageUpdate, outbox: OutboxItem): Promise<Entry | null> {
      const fields = Object.entries(update);
      const $set = Object.fromEntries(fields.filter(([, value]) => value !== undefined));
      const $unset = Object.fromEntries(
        fields.filter(([, value]) => value === undefined).map(([name]) => [name, '']),
      );
      const after = await messages.findOneAndUpdate(
        { _id: new Types.ObjectId(before.id), rev: before.rev, outbox: { $exists: false } },
        { $set: { ...$set, rev: before.rev + 1, outbox }, ...(Object.keys($unset).length > 0 && { $unset }) },
        { returnDocument: 'after' },
      );
      return after && toEntry(after as EntryDocument);
    },

    /** The change is in the log. */
    async settle(messageId: string, entryId: string): Promise<void> {
      const filter: mongo.Filter<mongo.BSON.Document> = {
        _id: new Types.ObjectId(messageId),
        'outbox.entryId': entryId,
      };
      await messages.updateOne(filter, { $unset: { outbox: '' } });
    },

    /** Messages whose change was made before a point in time and is not in the log yet. */
    async findUnsettled(before: Date, limit: number): Promise<Entry[]> {
      const until = Types.ObjectId.createFromTime(before.getTime() / 1000).toHexString();
      const found = await messages.find({ 'outbox.entryId': { $lt: until } }, { limit }).toArray();
      return found.map((document) => toEntry(document as EntryDocument));
    },
  };
}
