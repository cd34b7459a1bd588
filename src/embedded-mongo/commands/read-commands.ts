import { integerOf, isTrue, textOf } from '../bson-order.ts';
import {
  asDocument,
  type BsonValue,
  bsonType,
  fieldOf,
  isNumber,
  numberOf,
  toPath,
  valuesOf,
} from '../bson-value.ts';
import type { Encodable } from '../bson-writer.ts';
import type { DocumentSource } from '../cursors.ts';
import type { Engine } from '../engine.ts';
import { MongoError, unsupported } from '../errors.ts';
import { parseFilter } from '../filter.ts';
import { encodeComponent } from '../key-encoding.ts';
import { visitPath } from '../path-values.ts';
import { parseProjection, project } from '../projection.ts';
import { describePlan, type Query, type Results } from '../query.ts';
import { parseSort } from '../sort.ts';
import type { Request } from '../wire-protocol.ts';
import { type Command, collectionName, findCollection, hintedIndex } from './command.ts';

const defaultBatchSize = 101;
const emptySource: DocumentSource = { next: () => undefined, suspend: () => undefined };

/** A whole number, not negative. Throws BadValue. */
function sizeOf(request: Request, name: string): number {
  const value = request.field(name);
  if (value === undefined || value.type === bsonType.null) return 0;
  const size = integerOf(value);
  if (size === undefined || size < 0)
    throw new MongoError('BadValue', `${name} must be a whole number, not negative`);
  return size;
}

function queryOf(request: Request, filterName: string): Query {
  if (request.field('collation') !== undefined) throw unsupported('collation');
  if (isTrue(request.field('tailable'))) throw unsupported('a tailable cursor');
  return {
    filter: parseFilter(request.field(filterName)),
    sort: parseSort(request.field('sort')),
    skip: sizeOf(request, 'skip'),
    limit: sizeOf(request, 'limit'),
  };
}

export const find: Command = (engine, request) => {
  const query = queryOf(request, 'filter');
  const projection = parseProjection(request.field('projection'));
  const collection = findCollection(engine, request);
  const namespace = `${request.database}.${collectionName(request)}`;
  let source = emptySource;
  if (collection !== undefined) {
    const results = engine.runQuery(collection, {
      ...query,
      hint: hintedIndex(collection, request.field('hint')),
    });
    source = {
      next() {
        const found = results.next();
        return found === undefined ? undefined : project(projection, found.bytes);
      },
      suspend: results.suspend,
    };
  }
  const batchSize =
    request.field('batchSize') === undefined ? defaultBatchSize : sizeOf(request, 'batchSize');
  return cursorReply(engine, {
    namespace,
    source,
    batchSize,
    isSingleBatch: isTrue(request.field('singleBatch')),
  });
};

interface NewCursor {
  namespace: string;
  source: DocumentSource;
  batchSize: number;
  isSingleBatch?: boolean;
}

export function cursorReply(engine: Engine, { namespace, source, batchSize, isSingleBatch }: NewCursor) {
  const { documents, cursorId } = engine.cursors.open(namespace, source, batchSize, isSingleBatch);
  return { cursor: { firstBatch: documents, id: cursorId, ns: namespace } };
}

export const getMore: Command = (engine, request) => {
  const id = request.field('getMore');
  if (id === undefined || !isNumber(id)) throw new MongoError('TypeMismatch', 'getMore needs a cursor id');
  const namespace = `${request.database}.${textOf(request.field('collection'))}`;
  const batchSize = sizeOf(request, 'batchSize') || Number.POSITIVE_INFINITY;
  const batch = engine.cursors.next(namespace, BigInt(numberOf(id)), batchSize);
  return { cursor: { nextBatch: batch.documents, id: batch.cursorId, ns: namespace } };
};

export const killCursors: Command = (engine, request) => {
  const ids = (request.list('cursors') ?? []).filter(isNumber).map((id) => BigInt(numberOf(id)));
  const killed = ids.filter((id) => engine.cursors.kill(id));
  const missing = ids.filter((id) => !killed.includes(id));
  return { cursorsKilled: killed, cursorsNotFound: missing, cursorsAlive: [], cursorsUnknown: [] };
};

/** How many documents match, without keeping any of them. */
export function countMatches(results: Results): number {
  let count = 0;
  while (results.next() !== undefined) count++;
  results.suspend();
  return count;
}

export const count: Command = (engine, request) => {
  const query = queryOf(request, 'query');
  const collection = findCollection(engine, request);
  if (collection === undefined) return { n: 0 };
  const isWhole = query.filter.kind === 'and' && query.filter.clauses.length === 0;
  if (isWhole && query.skip === 0 && query.limit === 0) return { n: collection.recordCount };
  const hint = hintedIndex(collection, request.field('hint'));
  return { n: countMatches(engine.runQuery(collection, { ...query, hint })) };
};

/** The different values of a field, members of arrays one by one. */
export const distinct: Command = (engine, request) => {
  const query = queryOf(request, 'query');
  const key = textOf(request.field('key'));
  if (key === undefined || key === '') throw new MongoError('TypeMismatch', 'distinct needs a key');
  const collection = findCollection(engine, request);
  const values = new Map<string, BsonValue>();
  const results = collection === undefined ? undefined : engine.runQuery(collection, query);
  for (let found = results?.next(); found !== undefined; found = results?.next()) {
    visitPath(asDocument(found.bytes), toPath(key), (value, isMember) => {
      const each =
        value === undefined ? [] : value.type === bsonType.array && !isMember ? valuesOf(value) : [value];
      for (const one of each) values.set(encodeComponent(one, false).toString('latin1'), one);
      return false;
    });
  }
  results?.suspend();
  return { values: [...values.values()] };
};

/** Runs a find and tells how: winning plan, keys and documents examined, documents returned. */
export const explain: Command = (engine, request) => {
  const explained = request.field('explain');
  if (explained?.type !== bsonType.object) throw new MongoError('TypeMismatch', 'explain needs a command');
  const field = (name: string): BsonValue | undefined => fieldOf(explained, Buffer.from(name));
  const inner: Request = { ...request, body: explained, command: 'find', field };
  if (field('find') === undefined) throw unsupported('explain of anything but find');
  const collection = findCollection(engine, inner);
  if (collection === undefined) return { queryPlanner: { winningPlan: { stage: 'EOF' } } };
  const hint = hintedIndex(collection, field('hint'));
  const results = engine.runQuery(collection, { ...queryOf(inner, 'filter'), hint });
  const nReturned = countMatches(results);
  const winningPlan: Encodable = results.plan.isSorted
    ? describePlan(results.plan)
    : { stage: 'SORT', inputStage: describePlan(results.plan) };
  return {
    queryPlanner: { namespace: collection.namespace, winningPlan },
    executionStats: {
      executionSuccess: true,
      nReturned,
      totalKeysExamined: results.examined.keys,
      totalDocsExamined: results.examined.documents,
    },
  };
};
