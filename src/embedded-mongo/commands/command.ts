import { isEqual, textOf } from '../bson-order.ts';
import type { BsonValue } from '../bson-value.ts';
import type { Encodable } from '../bson-writer.ts';
import type { Collection, Index } from '../collection.ts';
import type { Engine } from '../engine.ts';
import { MongoError } from '../errors.ts';
import type { Request } from '../wire-protocol.ts';

export type Reply = Record<string, Encodable | undefined>;

/** Runs one command. A MongoError it throws becomes the reply. */
export type Command = (engine: Engine, request: Request) => Reply | Promise<Reply>;

/** The collection's name, which is the command's own value. Throws InvalidNamespace. */
export function collectionName(request: Request): string {
  const name = textOf(request.field(request.command));
  if (name === undefined || name === '') {
    throw new MongoError('InvalidNamespace', `${request.command} needs the name of a collection`);
  }
  return name;
}

export function findCollection(engine: Engine, request: Request): Collection | undefined {
  return engine.catalogue.find(request.database, collectionName(request));
}

/** The index that a hint names by name or key pattern. Throws BadValue when there is none. */
export function hintedIndex(collection: Collection, hint: BsonValue | undefined): Index | undefined {
  if (hint === undefined) return undefined;
  const name = textOf(hint);
  const index = collection.indexes.find(
    (candidate) =>
      (name === undefined ? isEqual(candidate.keyPattern, hint) : candidate.name === name) &&
      candidate.isReady,
  );
  if (index === undefined)
    throw new MongoError(
      'BadValue',
      'error processing query: hint provided does not correspond to an existing index',
    );
  return index;
}
