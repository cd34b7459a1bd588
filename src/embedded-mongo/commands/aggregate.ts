import { integerOf, isTrue, textOf } from '../bson-order.ts';
import {
  asDocument,
  type BsonElement,
  type BsonValue,
  bsonType,
  elementsOf,
  isNumber,
} from '../bson-value.ts';
import { encodeDocument, encodeValue } from '../bson-writer.ts';
import { computedStages, runComputedStage } from '../computed-stages.ts';
import type { DocumentSource } from '../cursors.ts';
import type { Engine } from '../engine.ts';
import { MongoError, unsupported } from '../errors.ts';
import { type Filter, parseFilter } from '../filter.ts';
import { compareBySort, sortKeyOf } from '../index-keys.ts';
import { matches } from '../matcher.ts';
import type { Query } from '../query.ts';
import { parseSort } from '../sort.ts';
import type { Request } from '../wire-protocol.ts';
import { sourceOf } from './collection-commands.ts';
import { type Command, findCollection, hintedIndex } from './command.ts';
import { countMatches, cursorReply } from './read-commands.ts';

const nativeStages = new Set(['$match', '$sort', '$skip', '$limit', '$count']);
const maxStageBytes = 100 * 1024 * 1024;

/** The stages that one query answers, in its order: match, sort, skip, limit. The rest follows in memory. */
export const aggregate: Command = (engine, request) => {
  const stages = (request.list('pipeline') ?? []).map(stageOf);
  if (isTrue(request.field('explain'))) throw unsupported('explain of an aggregation');
  if (request.field('collation') !== undefined) throw unsupported('collation');
  const collection = findCollection(engine, request);
  const { query, rest } = splitPipeline(stages);
  const name = textOf(request.field('aggregate'));
  const namespace = `${request.database}.${name}`;
  const cursor = request.field('cursor');
  const size =
    cursor?.type === bsonType.object
      ? [...elementsOf(cursor)].find((each) => each.name === 'batchSize')
      : undefined;
  const batchSize = integerOf(size) ?? 101;
  const source =
    collection === undefined ? sourceOf(runStages([], rest)) : runPipeline(engine, { request, query, rest });
  return cursorReply(engine, { namespace, source, batchSize });
};

/** The only element of a stage. Throws UnrecognizedStage naming what is not supported. */
function stageOf(stage: BsonValue): BsonElement {
  const [element, second] = stage.type === bsonType.object ? [...elementsOf(stage)] : [];
  if (element === undefined || second !== undefined) {
    throw new MongoError('BadValue', 'A pipeline stage specification object must contain exactly one field.');
  }
  if (!nativeStages.has(element.name) && !computedStages.has(element.name)) {
    throw new MongoError('UnrecognizedStage', `Unrecognized pipeline stage name: '${element.name}'`);
  }
  return element;
}

function sizeOf(stage: BsonElement): number {
  const size = integerOf(stage);
  if (size === undefined || size < (stage.name === '$limit' ? 1 : 0)) {
    throw new MongoError('BadValue', `invalid argument to ${stage.name} stage`);
  }
  return size;
}

function splitPipeline(stages: BsonElement[]): { query: Query; rest: BsonElement[] } {
  const rest = [...stages];
  const take = (name: string) => (rest[0]?.name === name ? rest.shift() : undefined);
  const filters: Filter[] = [];
  for (let stage = take('$match'); stage !== undefined; stage = take('$match'))
    filters.push(parseFilter(stage));
  const sort = take('$sort');
  const skip = take('$skip');
  const limit = take('$limit');
  const [only] = filters;
  const query: Query = {
    filter: filters.length === 1 && only !== undefined ? only : { kind: 'and', clauses: filters },
    sort: parseSort(sort),
    skip: skip === undefined ? 0 : sizeOf(skip),
    limit: limit === undefined ? 0 : sizeOf(limit),
  };
  return { query, rest };
}

interface Pipeline {
  request: Request;
  query: Query;
  rest: BsonElement[];
}

function runPipeline(engine: Engine, { request, query, rest }: Pipeline): DocumentSource {
  const collection = findCollection(engine, request);
  if (collection === undefined) return sourceOf([]);
  const results = engine.runQuery(collection, {
    ...query,
    hint: hintedIndex(collection, request.field('hint')),
  });
  const [stage] = rest;
  if (stage === undefined) return { next: () => results.next()?.bytes, suspend: results.suspend };
  const counted = rest.length === 1 ? countedGroup(stage) : undefined;
  if (counted !== undefined) {
    const count = countMatches(results);
    return sourceOf(count === 0 ? [] : [encodeDocument(counted(count))]);
  }
  const documents: Buffer[] = [];
  let bytes = 0;
  for (let found = results.next(); found !== undefined; found = results.next()) {
    documents.push(found.bytes);
    bytes += found.bytes.length;
    if (bytes > maxStageBytes) {
      throw new MongoError(
        'QueryExceededMemoryLimitNoDiskUseAllowed',
        `${stage.name} exceeded its memory limit`,
      );
    }
  }
  results.suspend();
  return sourceOf(runStages(documents, rest));
}

/** countDocuments sends `{ $group: { _id: 1, n: { $sum: 1 } } }`: no document needs to be kept for it. */
function countedGroup(
  stage: BsonElement,
): ((count: number) => Record<string, BsonValue | number>) | undefined {
  const name = stage.name === '$count' ? textOf(stage) : undefined;
  if (name !== undefined) return (count) => ({ [name]: count });
  if (stage.name !== '$group' || stage.type !== bsonType.object) return undefined;
  const [id, sum, more] = [...elementsOf(stage)];
  const isConstant = id?.name === '_id' && (isNumber(id) || id.type === bsonType.null);
  if (!isConstant || sum?.type !== bsonType.object || more !== undefined) return undefined;
  const [operator, second] = [...elementsOf(sum)];
  if (operator?.name !== '$sum' || integerOf(operator) !== 1 || second !== undefined) return undefined;
  return (count) => ({ _id: id, [sum.name]: count });
}

function runStages(documents: Buffer[], stages: readonly BsonElement[]): Buffer[] {
  return stages.reduce((input, stage) => {
    if (!nativeStages.has(stage.name)) return runComputedStage(input, stage);
    return runNativeStage(input, stage);
  }, documents);
}

function runNativeStage(documents: Buffer[], stage: BsonElement): Buffer[] {
  switch (stage.name) {
    case '$match': {
      const filter = parseFilter(stage);
      return documents.filter((document) => matches(filter, asDocument(document)));
    }
    case '$sort': {
      const sort = parseSort(stage);
      const keyed = documents.map((document) => ({ document, key: sortKeyOf(sort, asDocument(document)) }));
      keyed.sort((left, right) => compareBySort(sort, left.key, right.key));
      return keyed.map(({ document }) => document);
    }
    case '$skip':
      return documents.slice(sizeOf(stage));
    case '$limit':
      return documents.slice(0, sizeOf(stage));
    default: {
      const name = textOf(stage);
      if (!name) throw new MongoError('BadValue', 'the count field must be a non-empty string');
      return documents.length === 0 ? [] : [encodeDocument({ [name]: encodeValue(documents.length) })];
    }
  }
}
