import { integerOf, isTrue } from '../bson-order.ts';
import {
  asDocument,
  type BsonElement,
  type BsonValue,
  bsonType,
  elementsOf,
  fieldOf,
  rawBytes,
} from '../bson-value.ts';
import { BsonWriter, type Encodable } from '../bson-writer.ts';
import type { Collection } from '../collection.ts';
import type { Engine } from '../engine.ts';
import { MongoError, unsupported } from '../errors.ts';
import { type Filter, parseFilter } from '../filter.ts';
import { newObjectId } from '../object-id.ts';
import type { StoredDocument } from '../records.ts';
import { parseSort } from '../sort.ts';
import { checkSize, parseUpdate } from '../updater.ts';
import type { Request } from '../wire-protocol.ts';
import { type Command, collectionName, hintedIndex, type Reply } from './command.ts';

const maxStatements = 100_000;

export const insert: Command = (engine, request) => {
  const documents = statementsOf(request, 'documents');
  return engine.storage.write(() => {
    const collection = engine.ensureCollection(request.database, collectionName(request));
    const { succeeded, writeErrors } = runAll(request, documents, (document) => {
      engine.records.insert(collection, withId(document));
    });
    engine.catalogue.count(collection, succeeded);
    return { n: succeeded, ...writeErrors };
  });
};

function statementsOf(request: Request, name: string): BsonValue[] {
  const statements = request.list(name);
  if (statements === undefined)
    throw new MongoError('BadValue', `${request.command} needs an array of ${name}`);
  if (statements.length === 0 || statements.length > maxStatements) {
    throw new MongoError('InvalidOptions', `Write batch sizes must be between 1 and ${maxStatements}`);
  }
  return statements;
}

interface Outcome {
  succeeded: number;
  writeErrors: { writeErrors?: Encodable[] };
}

/** Runs statements one by one; a failing one is reported by its index and ends an ordered batch. */
function runAll(
  request: Request,
  statements: BsonValue[],
  run: (statement: BsonValue, index: number) => void,
): Outcome {
  const ordered = request.field('ordered');
  const isOrdered = ordered === undefined || isTrue(ordered);
  const errors: Encodable[] = [];
  let succeeded = 0;
  for (const [index, statement] of statements.entries()) {
    try {
      run(statement, index);
      succeeded++;
    } catch (error) {
      if (!(error instanceof MongoError)) throw error;
      errors.push({ index, code: error.code, errmsg: error.message, ...error.fields });
      if (isOrdered) break;
    }
  }
  return { succeeded, writeErrors: errors.length > 0 ? { writeErrors: errors } : {} };
}

const idName = Buffer.from('_id');

/** The document's own bytes with `_id` in front. Throws InvalidIdField, BSONObjectTooLarge. */
function withId(document: BsonValue): Buffer {
  if (document.type !== bsonType.object) throw new MongoError('TypeMismatch', 'documents must be objects');
  const first: BsonElement | undefined = elementsOf(document).next().value;
  const id = first?.name === '_id' ? first : fieldOf(document, idName);
  if (id !== undefined) checkId(id);
  if (first?.name === '_id') {
    const bytes = rawBytes(document);
    checkSize(bytes);
    return bytes;
  }
  const writer = new BsonWriter(document.end - document.start + 32);
  const begin = writer.open();
  writer.value('_id', id ?? newObjectId());
  for (const element of elementsOf(document)) if (element.name !== '_id') writer.value(element.name, element);
  writer.close(begin);
  checkSize(writer.finish());
  return writer.finish();
}

function checkId(id: BsonValue): void {
  if (id.type === bsonType.array || id.type === bsonType.regex || id.type === bsonType.undefined) {
    throw new MongoError('InvalidIdField', "The '_id' value cannot be an array, a regex or undefined");
  }
}

const nameBuffers = {
  q: Buffer.from('q'),
  u: Buffer.from('u'),
  multi: Buffer.from('multi'),
  upsert: Buffer.from('upsert'),
  limit: Buffer.from('limit'),
  sort: Buffer.from('sort'),
  hint: Buffer.from('hint'),
  arrayFilters: Buffer.from('arrayFilters'),
  collation: Buffer.from('collation'),
};

const optionOf = (statement: BsonValue, name: keyof typeof nameBuffers) =>
  fieldOf(statement, nameBuffers[name]);

/** Everything is found before anything is changed: a scan must not meet what its own update moved. */
export function findTargets(engine: Engine, collection: Collection, demand: Target): StoredDocument[] {
  const results = engine.runQuery(collection, {
    filter: demand.filter,
    sort: parseSort(demand.sort),
    limit: demand.isMulti ? 0 : 1,
    hint: hintedIndex(collection, demand.hint),
  });
  const found: StoredDocument[] = [];
  for (let next = results.next(); next !== undefined; next = results.next()) found.push(next);
  results.suspend();
  return found;
}

interface Target {
  filter: Filter;
  isMulti: boolean;
  sort: BsonValue | undefined;
  hint: BsonValue | undefined;
}

export const update: Command = (engine, request) => {
  const statements = statementsOf(request, 'updates');
  return engine.storage.write(() => {
    const name = collectionName(request);
    const total = { matched: 0, modified: 0, upserted: [] as Encodable[] };
    const { writeErrors } = runAll(request, statements, (statement, index) => {
      const { matched, modified, upsertedId } = updateOnce(engine, {
        database: request.database,
        name,
        statement,
      });
      total.matched += matched;
      total.modified += modified;
      if (upsertedId !== undefined) total.upserted.push({ index, _id: upsertedId });
    });
    const reply: Reply = {
      n: total.matched + total.upserted.length,
      nModified: total.modified,
      ...writeErrors,
    };
    return total.upserted.length > 0 ? { ...reply, upserted: total.upserted } : reply;
  });
};

interface UpdateStatement {
  database: string;
  name: string;
  statement: BsonValue;
}

interface Updated {
  matched: number;
  modified: number;
  upsertedId?: BsonValue;
}

function updateOnce(engine: Engine, { database, name, statement }: UpdateStatement): Updated {
  refuseOptions(statement);
  const specification = optionOf(statement, 'u');
  if (specification === undefined) throw new MongoError('BadValue', 'an update needs u');
  const parsed = parseUpdate(specification);
  const filter = parseFilter(optionOf(statement, 'q'));
  const isMulti = isTrue(optionOf(statement, 'multi'));
  const isUpsert = isTrue(optionOf(statement, 'upsert'));
  if (isMulti && parsed.isReplacement) {
    throw new MongoError('FailedToParse', 'multi update is not supported for replacement-style update');
  }
  const existing = engine.catalogue.find(database, name);
  const collection = existing ?? (isUpsert ? engine.ensureCollection(database, name) : undefined);
  if (collection === undefined) return { matched: 0, modified: 0 };
  const sort = optionOf(statement, 'sort');
  const targets = findTargets(engine, collection, {
    filter,
    isMulti,
    sort,
    hint: optionOf(statement, 'hint'),
  });
  if (targets.length === 0 && isUpsert) {
    return {
      matched: 0,
      modified: 0,
      upsertedId: insertUpserted(engine, collection, parsed.upsert(filter)).id,
    };
  }
  let modified = 0;
  for (const target of targets) {
    const after = parsed.apply(target.bytes);
    if (after.equals(target.bytes)) continue;
    engine.records.replace(collection, target, after);
    modified++;
  }
  return { matched: targets.length, modified };
}

function refuseOptions(statement: BsonValue): void {
  const arrayFilters = optionOf(statement, 'arrayFilters');
  if (arrayFilters !== undefined && rawBytes(arrayFilters).length > 5) throw unsupported('arrayFilters');
  if (optionOf(statement, 'collation') !== undefined) throw unsupported('collation');
}

export function insertUpserted(
  engine: Engine,
  collection: Collection,
  bytes: Buffer,
): { bytes: Buffer; id: BsonValue } {
  checkSize(bytes);
  const id = fieldOf(asDocument(bytes), idName) ?? newObjectId();
  checkId(id);
  engine.records.insert(collection, bytes);
  engine.catalogue.count(collection, 1);
  return { bytes, id };
}

export const remove: Command = (engine, request) => {
  const statements = statementsOf(request, 'deletes');
  return engine.storage.write(() => {
    const collection = engine.catalogue.find(request.database, collectionName(request));
    let removed = 0;
    const { writeErrors } = runAll(request, statements, (statement) => {
      refuseOptions(statement);
      const filter = parseFilter(optionOf(statement, 'q'));
      const limit = integerOf(optionOf(statement, 'limit')) ?? 0;
      if (limit !== 0 && limit !== 1)
        throw new MongoError('FailedToParse', 'The limit field in delete objects must be 0 or 1');
      if (collection === undefined) return;
      const hint = optionOf(statement, 'hint');
      for (const target of findTargets(engine, collection, {
        filter,
        isMulti: limit === 0,
        sort: undefined,
        hint,
      })) {
        engine.records.remove(collection, target);
        removed++;
      }
    });
    if (collection !== undefined) engine.catalogue.count(collection, -removed);
    return { n: removed, ...writeErrors };
  });
};
