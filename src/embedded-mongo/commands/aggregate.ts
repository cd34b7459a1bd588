import { integerOf, isTrue, textOf } from '../bson-order.ts';
import {
  asDocument,
  type BsonElement,
  type BsonValue,
  bsonType,
  elementsOf,
  fieldOf,
  isNumber,
} from '../bson-value.ts';
import { type Encodable, encodeDocument } from '../bson-writer.ts';
import type { DocumentSource } from '../cursors.ts';
import type { Engine } from '../engine.ts';
import { MongoError, unsupported } from '../errors.ts';
import { type Filter, parseFilter } from '../filter.ts';
import { encodeComponent } from '../key-encoding.ts';
import { runStages, stageOf, stageSize } from '../pipeline-stages.ts';
import type { Query, Results } from '../query.ts';
import { parseSort } from '../sort.ts';
import type { Request } from '../wire-protocol.ts';
import { sourceOf } from './collection-commands.ts';
import { type Command, findCollection, hintedIndex } from './command.ts';
import { countMatches, cursorReply } from './read-commands.ts';

const maxStageBytes = 100 * 1024 * 1024;

/** The stages that one query answers, in its order: match, sort, skip, limit. The rest follows in memory. */
export const aggregate: Command = async (engine, request) => {
  const stages = (request.list('pipeline') ?? []).map(stageOf);
  if (isTrue(request.field('explain'))) throw unsupported('explain of an aggregation');
  if (request.field('collation') !== undefined) throw unsupported('collation');
  const { query, rest } = splitPipeline(stages);
  const name = textOf(request.field('aggregate'));
  const namespace = `${request.database}.${name}`;
  const cursor = request.field('cursor');
  const size = cursor?.type === bsonType.object ? fieldOf(cursor, Buffer.from('batchSize')) : undefined;
  const batchSize = integerOf(size) ?? 101;
  const source = await runPipeline(engine, { request, query, rest });
  return cursorReply(engine, { namespace, source, batchSize });
};

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
    skip: skip === undefined ? 0 : stageSize(skip),
    limit: limit === undefined ? 0 : stageSize(limit),
  };
  return { query, rest };
}

interface Pipeline {
  request: Request;
  query: Query;
  rest: BsonElement[];
}

async function runPipeline(engine: Engine, { request, query, rest }: Pipeline): Promise<DocumentSource> {
  const collection = findCollection(engine, request);
  if (collection === undefined) return sourceOf(await runStages([], rest));
  const results = engine.runQuery(collection, {
    ...query,
    hint: hintedIndex(collection, request.field('hint')),
  });
  const [stage] = rest;
  if (stage === undefined) return { next: () => results.next()?.bytes, suspend: results.suspend };
  const counting = rest.length === 1 ? countingOf(stage) : undefined;
  if (counting !== undefined) return sourceOf(counting(results));
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
  return sourceOf(await runStages(documents, rest));
}

/** Stages that only count, so that no document needs to be kept for them; undefined for all others. */
function countingOf(stage: BsonElement): ((results: Results) => Buffer[]) | undefined {
  const name = stage.name === '$count' ? textOf(stage) : undefined;
  if (name) return (results) => countAll(results, (count) => ({ [name]: count }));
  if (stage.name !== '$group' || stage.type !== bsonType.object) return undefined;
  const [id, sum, more] = [...elementsOf(stage)];
  if (id?.name !== '_id' || sum?.type !== bsonType.object || more !== undefined) return undefined;
  const [operator, second] = [...elementsOf(sum)];
  if (operator?.name !== '$sum' || integerOf(operator) !== 1 || second !== undefined) return undefined;
  // countDocuments groups by a constant
  if (isNumber(id) || id.type === bsonType.null)
    return (results) => countAll(results, (count) => ({ _id: id, [sum.name]: count }));
  const field = /^\$(?<field>[^$.]+)$/.exec(textOf(id) ?? '')?.groups?.field;
  return field === undefined ? undefined : (results) => countByField(results, field, sum.name);
}

function countAll(results: Results, toGroup: (count: number) => Record<string, Encodable>): Buffer[] {
  const count = countMatches(results);
  return count === 0 ? [] : [encodeDocument(toGroup(count))];
}

/** Values that compare as equal are one group, named by the first of them; a missing one is null. */
function countByField(results: Results, field: string, name: string): Buffer[] {
  const fieldName = Buffer.from(field);
  const groups = new Map<string, { value: BsonValue | null; count: number }>();
  for (let found = results.next(); found !== undefined; found = results.next()) {
    const value = fieldOf(asDocument(found.bytes), fieldName);
    const key = encodeComponent(value, false).toString('latin1');
    const group = groups.get(key);
    if (group) group.count++;
    else groups.set(key, { value: value ?? null, count: 1 });
  }
  results.suspend();
  return [...groups.values()].map(({ value, count }) => encodeDocument({ _id: value, [name]: count }));
}
