import { integerOf, textOf } from './bson-order.ts';
import { asDocument, type BsonElement, type BsonValue, bsonType, elementsOf } from './bson-value.ts';
import { encodeDocument } from './bson-writer.ts';
import { MongoError } from './errors.ts';
import { parseFilter } from './filter.ts';
import { compareBySort, sortKeyOf } from './index-keys.ts';
import { matches } from './matcher.ts';
import { parseSort } from './sort.ts';

const nativeStages = new Set(['$match', '$sort', '$skip', '$limit', '$count']);
/** Stages that compute with decoded values. All others are done on raw documents, or not at all. */
const computedStages = new Set([
  '$group',
  '$project',
  '$addFields',
  '$set',
  '$unset',
  '$unwind',
  '$replaceRoot',
]);

/** The only element of a stage. Throws UnrecognizedStage naming what is not supported. */
export function stageOf(stage: BsonValue): BsonElement {
  const [element, second] = stage.type === bsonType.object ? [...elementsOf(stage)] : [];
  if (element === undefined || second !== undefined) {
    throw new MongoError('BadValue', 'A pipeline stage specification object must contain exactly one field.');
  }
  if (!nativeStages.has(element.name) && !computedStages.has(element.name)) {
    throw new MongoError('UnrecognizedStage', `Unrecognized pipeline stage name: '${element.name}'`);
  }
  return element;
}

/** The number of a `$skip` or `$limit`. */
export function stageSize(stage: BsonElement): number {
  const size = integerOf(stage);
  if (size === undefined || size < (stage.name === '$limit' ? 1 : 0)) {
    throw new MongoError('BadValue', `invalid argument to ${stage.name} stage`);
  }
  return size;
}

/** Runs stages over documents in memory. */
export async function runStages(documents: Buffer[], stages: readonly BsonElement[]): Promise<Buffer[]> {
  let current = documents;
  for (const stage of stages) {
    if (computedStages.has(stage.name)) {
      // loaded when first wanted: it takes longer than all the rest of the start
      const { runComputedStage } = await import('./computed-stages.ts');
      current = runComputedStage(current, stage);
    } else {
      current = runNativeStage(current, stage);
    }
  }
  return current;
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
      return documents.slice(stageSize(stage));
    case '$limit':
      return documents.slice(0, stageSize(stage));
    default: {
      const name = textOf(stage);
      if (!name) throw new MongoError('BadValue', 'the count field must be a non-empty string');
      return documents.length === 0 ? [] : [encodeDocument({ [name]: documents.length })];
    }
  }
}
