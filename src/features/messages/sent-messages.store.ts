import { type Connection, Types } from 'mongoose';

interface Place {
  conversationId: string;
  seq: number;
  isRecalled: boolean;
}

interface PlaceDocument {
  _id: Types.ObjectId;
  conversationId: Types.ObjectId;
  seq: number;
  recalledAt?: Date | null;
}

/** Where messages stand, by their ids; those that were never stored are left out. */
export function createSentMessageStore(connection: Connection) {
  return async (ids: readonly string[]): Promise<Map<string, Place>> => {
    if (ids.length === 0) return new Map();
    const found = await connection
      .collection<PlaceDocument>('messages')
      .find(
        { _id: { $in: ids.map((id) => new Types.ObjectId(id)) } },
        { projection: { conversationId: 1, seq: 1, recalledAt: 1 } },
      )
      .toArray();
    const places = found.map(({ _id, conversationId, seq, recalledAt }): [string, Place] => [
      _id.toHexString(),
      { conversationId: conversationId.toHexString(), seq, isRecalled: recalledAt != null },
    ]);
    return new Map(places);
  };
}
