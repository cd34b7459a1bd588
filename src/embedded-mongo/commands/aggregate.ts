import { integerOf, isTrue, textOf } from '../bson-order.ts';
import { type BsonElement, type BsonValue, bsonType, elementsOf, fieldOf, isNumber } from '../bson-value.ts';
import { encodeDocument } from '../bson-writer.ts';
import type { DocumentSource } from '../cursors.ts';
import type { Engine } from '../engine.ts';
import { MongoError, unsupported } from '../errors.ts';
import { type Filter, parseFilter } from '../filter.ts';
import { runStages, stageOf, stageSize } from '../pipeline-stages.ts';
import type { Query } from '../query.ts';
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
  return sourceOf(await runStages(documents, rest));
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
