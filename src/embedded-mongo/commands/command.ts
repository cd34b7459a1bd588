import { isEqual, textOf } from '../bson-order.ts';
import { type BsonValue, bsonType, elementsOf } from '../bson-value.ts';
import type { Encodable } from '../bson-writer.ts';
import type { Collection, Index } from '../collection.ts';
import type { Engine } from '../engine.ts';
import { MongoError, unsupported } from '../errors.ts';
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

const committedReaders = new Set(['find', 'aggregate', 'count', 'distinct']);

/**
 * There is one copy of the data, so a read sees the same at `local` and `majority`, as on a standalone MongoDB. Throws for
 * every other level, and for `majority` where MongoDB takes it in no command but those that read.
 */
export function checkReadConcern(request: Request): void {
  const concern = request.field('readConcern');
  if (concern === undefined) return;
  if (concern.type !== bsonType.object)
    throw new MongoError('TypeMismatch', 'readConcern needs to be an object');
  for (const element of elementsOf(concern)) {
    if (element.name !== 'level') throw unsupported(`readConcern.${element.name}`);
    const level = textOf(element);
    if (level === undefined) throw new MongoError('TypeMismatch', 'readConcern.level needs to be a string');
    if (level !== 'local' && level !== 'majority') throw unsupported(`read concern ${level}`);
    if (level === 'majority' && !committedReaders.has(request.command))
      throw new MongoError('InvalidOptions', `${request.command} does not support read concern ${level}`);
  }
}
