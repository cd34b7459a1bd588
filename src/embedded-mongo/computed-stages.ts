import { deserialize, serialize } from 'bson';
import { Aggregator } from 'mingo/aggregator';
import { Context, ProcessingMode } from 'mingo/core';
import * as accumulators from 'mingo/operators/accumulator';
import * as expressions from 'mingo/operators/expression';
import * as pipeline from 'mingo/operators/pipeline';
import { asDocument, type BsonElement, type BsonValue, bsonType, numberOf, valuesOf } from './bson-value.ts';
import { encodeDocument } from './bson-writer.ts';
import { MongoError, unsupported } from './errors.ts';

const { $group, $project, $addFields, $set, $unset, $unwind, $replaceRoot } = pipeline;

const options = {
  idKey: '_id',
  processingMode: ProcessingMode.CLONE_OFF,
  scriptEnabled: false,
  context: Context.init({
    accumulator: { ...accumulators },
    expression: { ...expressions },
    pipeline: { $group, $project, $addFields, $set, $unset, $unwind, $replaceRoot },
  }),
};

/** Runs one computed stage. Whatever it cannot do becomes a MongoError with the reason. */
export function runComputedStage(documents: readonly Buffer[], stage: BsonElement): Buffer[] {
  const specification = deserialize(encodeDocument({ [stage.name]: stage }));
  for (const document of documents) refuseInexact(asDocument(document));
  const input = documents.map((document) => deserialize(document));
  try {
    return new Aggregator([specification], options)
      .run(input)
      .map((result) => Buffer.from(serialize(result)));
  } catch (error) {
    throw new MongoError(
      'BadValue',
      `${stage.name} failed: ${error instanceof Error ? error.message : 'unknown reason'}`,
    );
  }
}

/** Numbers that JavaScript has no exact number for would be left out of sums without a word. */
function refuseInexact(value: BsonValue): void {
  if (value.type === bsonType.object || value.type === bsonType.array) {
    for (const member of valuesOf(value)) refuseInexact(member);
  } else if (value.type === bsonType.decimal) {
    throw unsupported('computing with a Decimal128');
  } else if (value.type === bsonType.long && !Number.isSafeInteger(Number(numberOf(value)))) {
    throw unsupported('computing with a Long beyond 2^53');
  }
}
