import { randomBytes } from 'node:crypto';
import { type BsonValue, bsonType } from './bson-value.ts';

const processPart = randomBytes(5);
let counter = randomBytes(3).readUIntBE(0, 3);

/** A new ObjectId: seconds, five random bytes of this process, a counter. */
export function newObjectId(): BsonValue {
  const bytes = Buffer.allocUnsafe(12);
  bytes.writeUInt32BE(Math.floor(Date.now() / 1000));
  processPart.copy(bytes, 4);
  counter = (counter + 1) & 0xffffff;
  bytes.writeUIntBE(counter, 9, 3);
  return { type: bsonType.objectId, bytes, start: 0, end: 12 };
}
