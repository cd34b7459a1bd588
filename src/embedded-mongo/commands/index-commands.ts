import { isEqual, isTrue, textOf } from '../bson-order.ts';
import {
  type BsonValue,
  bsonType,
  elementsOf,
  fieldOf,
  isNumber,
  numberOf,
  rawBytes,
} from '../bson-value.ts';
import type { Collection, Index } from '../collection.ts';
import type { Engine } from '../engine.ts';
import { MongoError } from '../errors.ts';
import { parseFilter } from '../filter.ts';
import { sourceOf } from './collection-commands.ts';
import { type Command, collectionName, findCollection } from './command.ts';
import { cursorReply } from './read-commands.ts';

export const createIndexes: Command = async (engine, request) => {
  const specifications = request.list('indexes') ?? [];
  if (specifications.length === 0)
    throw new MongoError('BadValue', 'Must specify at least one index to create');
  for (const specification of specifications) checkSpecification(specification);
  const added: Index[] = [];
  const reply = await engine.storage.write(() => {
    const isNew = findCollection(engine, request) === undefined;
    const collection = engine.ensureCollection(request.database, collectionName(request));
    const numIndexesBefore = collection.indexes.length;
    for (const specification of specifications) {
      if (isExisting(collection, specification)) continue;
      const index = engine.catalogue.addIndex(collection, specification);
      build(engine, collection, index);
      added.push(index);
    }
    return {
      numIndexesBefore,
      numIndexesAfter: collection.indexes.length,
      createdCollectionAutomatically: isNew,
      note: added.length === 0 ? 'all indexes already exist' : undefined,
    };
  });
  // from here on every read's snapshot holds the entries
  for (const index of added) index.isReady = true;
  return reply;
};

function build(engine: Engine, collection: Collection, index: Index): void {
  const results = engine.runQuery(collection, { filter: { kind: 'and', clauses: [] } });
  for (let found = results.next(); found !== undefined; found = results.next()) {
    engine.records.addToIndex(collection, index, found);
  }
  results.suspend();
}

const knownOptions = new Set([
  'v',
  'key',
  'name',
  'ns',
  'background',
  'unique',
  'sparse',
  'partialFilterExpression',
  'expireAfterSeconds',
]);

function option(specification: BsonValue, name: string): BsonValue | undefined {
  return fieldOf(specification, Buffer.from(name));
}

function checkSpecification(specification: BsonValue): void {
  const key = specification.type === bsonType.object ? option(specification, 'key') : undefined;
  if (key?.type !== bsonType.object || rawBytes(key).length === 5) {
    throw new MongoError('CannotCreateIndex', 'Index keys cannot be empty and must be an object');
  }
  if (!textOf(option(specification, 'name'))) throw new MongoError('FailedToParse', 'The index needs a name');
  for (const { name, type } of elementsOf(specification)) {
    const isOff = type === bsonType.bool && !isTrue(option(specification, name));
    if (!knownOptions.has(name) && !isOff) throw cannotCreate(`the index option ${name}`);
  }
  for (const element of elementsOf(key)) checkKeyField(element.name, element);
  checkOptions(specification, key);
}

function checkKeyField(name: string, value: BsonValue): void {
  if (!isNumber(value)) throw cannotCreate(`the index type ${textOf(value) ?? 'that is not a number'}`);
  if (
    Number(numberOf(value)) === 0 ||
    name === '' ||
    name.split('.').some((part) => part === '' || part.startsWith('$'))
  ) {
    throw cannotCreate(`the index key ${name}`);
  }
}

function checkOptions(specification: BsonValue, key: BsonValue): void {
  const ttl = option(specification, 'expireAfterSeconds');
  const seconds = ttl === undefined || !isNumber(ttl) ? undefined : Number(numberOf(ttl));
  if (ttl !== undefined && (seconds === undefined || seconds < 0 || seconds > 0x7fffffff)) {
    throw new MongoError('CannotCreateIndex', 'expireAfterSeconds must be a number of seconds, not negative');
  }
  if (ttl !== undefined && [...elementsOf(key)].length > 1) {
    throw new MongoError(
      'CannotCreateIndex',
      'TTL indexes are single-field indexes, compound indexes do not support TTL',
    );
  }
  const partial = option(specification, 'partialFilterExpression');
  if (partial !== undefined && isTrue(option(specification, 'sparse'))) {
    throw new MongoError('CannotCreateIndex', 'cannot mix "partialFilterExpression" and "sparse" options');
  }
  parseFilter(partial);
}

function cannotCreate(what: string): MongoError {
  return new MongoError('CannotCreateIndex', `${what} is not supported by the embedded database`);
}

/** Whether the same index exists. Throws when one does that differs in key or options. */
function isExisting(collection: Collection, specification: BsonValue): boolean {
  const name = textOf(option(specification, 'name')) ?? '';
  const key = option(specification, 'key');
  const isSameKey = (index: Index) => key !== undefined && isEqual(index.keyPattern, key);
  const named = collection.indexes.find((index) => index.name === name);
  if (named !== undefined && !isSameKey(named)) {
    throw new MongoError(
      'IndexKeySpecsConflict',
      `An existing index has the same name as the requested index: ${name}`,
    );
  }
  const existing =
    named ?? collection.indexes.find((index) => isSameKey(index) && isSamePartial(index, specification));
  if (existing === undefined) return false;
  const [idKey] = collection.indexes;
  if (existing === idKey) return true;
  if (existing.name !== name || !hasSameOptions(existing, specification)) {
    throw new MongoError(
      'IndexOptionsConflict',
      `Index already exists with a different name or options: ${existing.name}`,
    );
  }
  return true;
}

function isSamePartial(index: Index, specification: BsonValue): boolean {
  return isSameOption(index, specification, 'partialFilterExpression');
}

function isSameOption(index: Index, specification: BsonValue, name: string): boolean {
  const [before, now] = [option(stored(index), name), option(specification, name)];
  if (before === undefined || now === undefined) return isTrue(before) === isTrue(now);
  return isEqual(before, now);
}

const stored = (index: Index): BsonValue => ({
  type: bsonType.object,
  bytes: index.specification,
  start: 0,
  end: index.specification.length,
});

function hasSameOptions(index: Index, specification: BsonValue): boolean {
  const ttl = option(specification, 'expireAfterSeconds');
  const seconds = ttl === undefined || !isNumber(ttl) ? undefined : Number(numberOf(ttl));
  return (
    index.isUnique === isTrue(option(specification, 'unique')) &&
    index.isSparse === isTrue(option(specification, 'sparse')) &&
    index.expireAfterSeconds === seconds &&
    isSamePartial(index, specification)
  );
}

function existingCollection(collection: Collection | undefined, namespace: string): Collection {
  if (collection === undefined) throw new MongoError('NamespaceNotFound', `ns does not exist: ${namespace}`);
  return collection;
}

export const listIndexes: Command = (engine, request) => {
  const namespace = `${request.database}.${collectionName(request)}`;
  const collection = existingCollection(findCollection(engine, request), namespace);
  const source = sourceOf(collection.indexes.map((index) => index.specification));
  return cursorReply(engine, { namespace, source, batchSize: Number.POSITIVE_INFINITY });
};

export const dropIndexes: Command = (engine, request) =>
  engine.storage.write(() => {
    const namespace = `${request.database}.${collectionName(request)}`;
    const collection = existingCollection(findCollection(engine, request), namespace);
    const nIndexesWas = collection.indexes.length;
    for (const index of indexesToDrop(collection, request.field('index'), request.list('index'))) {
      engine.catalogue.dropIndex(collection, index);
    }
    return { nIndexesWas };
  });

function indexesToDrop(collection: Collection, wanted: BsonValue | undefined, list?: BsonValue[]): Index[] {
  const others = collection.indexes.slice(1);
  if (textOf(wanted) === '*') return others;
  return (list ?? (wanted === undefined ? [] : [wanted])).map((value) => {
    const name = textOf(value);
    const found = collection.indexes.find((index) =>
      name === undefined ? isEqual(index.keyPattern, value) : index.name === name,
    );
    if (found === undefined)
      throw new MongoError('IndexNotFound', `index not found with name [${name ?? 'key pattern'}]`);
    if (!others.includes(found)) throw new MongoError('InvalidOptions', 'cannot drop _id index');
    return found;
  });
}
