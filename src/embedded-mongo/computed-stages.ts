import { deserialize, serialize } from 'bson';
import { Aggregator } from 'mingo/aggregator';
import { Context, ProcessingMode } from 'mingo/core';
import * as accumulators from 'mingo/operators/accumulator';
import * as expressions from 'mingo/operators/expression';
import * as pipeline from 'mingo/operators/pipeline';
import type { BsonElement } from './bson-value.ts';
import { encodeDocument } from './bson-writer.ts';
import { MongoError } from './errors.ts';

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
