import { isTrue } from '../bson-order.ts';
import type { BsonValue } from '../bson-value.ts';
import type { Encodable } from '../bson-writer.ts';
import type { Collection } from '../collection.ts';
import type { Engine } from '../engine.ts';
import { MongoError, unsupported } from '../errors.ts';
import { parseFilter } from '../filter.ts';
import { type Projection, parseProjection, project } from '../projection.ts';
import { parseUpdate } from '../updater.ts';
import type { Request } from '../wire-protocol.ts';
import { type Command, collectionName, type Reply } from './command.ts';
import { findTargets, insertUpserted } from './write-commands.ts';

/** Changes or removes one document and returns it as it was before, or (`new`) after. */
export const findAndModify: Command = (engine, request) => {
  const isRemove = isTrue(request.field('remove'));
  const update = request.field('update');
  if (isRemove === (update !== undefined)) {
    throw new MongoError('FailedToParse', "Either an update or 'remove' must be specified, and not both");
  }
  const projection = parseProjection(request.field('fields'));
  refuseOptions(request);
  return engine.storage.write(() => {
    const name = collectionName(request);
    const isUpsert = isTrue(request.field('upsert'));
    const collection =
      engine.catalogue.find(request.database, name) ??
      (isUpsert ? engine.ensureCollection(request.database, name) : undefined);
    if (collection === undefined) return removed(undefined, projection);
    return update === undefined
      ? removeOne(engine, { request, collection, projection })
      : updateOne(engine, { request, collection, projection }, update);
  });
};

interface Demand {
  request: Request;
  collection: Collection;
  projection: Projection | undefined;
}

function refuseOptions(request: Request): void {
  if ((request.list('arrayFilters') ?? []).length > 0) throw unsupported('arrayFilters');
  if (request.field('collation') !== undefined) throw unsupported('collation');
}

function targetOf(engine: Engine, { request, collection }: Demand) {
  const filter = parseFilter(request.field('query'));
  const [sort, hint] = [request.field('sort'), request.field('hint')];
  return { filter, target: findTargets(engine, collection, { filter, isMulti: false, sort, hint })[0] };
}

function removed(bytes: Buffer | undefined, projection: Projection | undefined): Reply {
  const value: Encodable = bytes === undefined ? null : project(projection, bytes);
  return { lastErrorObject: { n: bytes === undefined ? 0 : 1 }, value };
}

function removeOne(engine: Engine, demand: Demand): Reply {
  const { target } = targetOf(engine, demand);
  if (target !== undefined) {
    engine.records.remove(demand.collection, target);
    engine.catalogue.count(demand.collection, -1);
  }
  return removed(target?.bytes, demand.projection);
}

function updateOne(engine: Engine, demand: Demand, specification: BsonValue): Reply {
  const { request, collection, projection } = demand;
  const isNew = isTrue(request.field('new'));
  const update = parseUpdate(specification);
  const { filter, target } = targetOf(engine, demand);
  if (target !== undefined) {
    const after = update.apply(target.bytes);
    if (!after.equals(target.bytes)) engine.records.replace(collection, target, after);
    const value = project(projection, isNew ? after : target.bytes);
    return { lastErrorObject: { n: 1, updatedExisting: true }, value };
  }
  if (!isTrue(request.field('upsert')))
    return { lastErrorObject: { n: 0, updatedExisting: false }, value: null };
  const { bytes, id } = insertUpserted(engine, collection, update.upsert(filter));
  return {
    lastErrorObject: { n: 1, updatedExisting: false, upserted: id },
    value: isNew ? project(projection, bytes) : null,
  };
}
