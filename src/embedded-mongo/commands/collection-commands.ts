import { isTrue } from '../bson-order.ts';
import { asDocument, bsonType } from '../bson-value.ts';
import { encodeDocument, encodeValue } from '../bson-writer.ts';
import { idIndexSpecification } from '../collection.ts';
import { MongoError, unsupported } from '../errors.ts';
import { parseFilter } from '../filter.ts';
import { matches } from '../matcher.ts';
import { type Command, collectionName, findCollection } from './command.ts';
import { cursorReply } from './read-commands.ts';

const refusedOptions = ['capped', 'timeseries', 'viewOn', 'validator', 'collation', 'clusteredIndex'];

export const create: Command = (engine, request) => {
  for (const option of refusedOptions) {
    const value = request.field(option);
    if (value !== undefined && (value.type === bsonType.object || isTrue(value))) {
      throw unsupported(`the collection option ${option}`);
    }
  }
  const name = collectionName(request);
  return engine.storage.write(() => {
    if (engine.catalogue.find(request.database, name) !== undefined) {
      throw new MongoError('NamespaceExists', `Collection ${request.database}.${name} already exists.`);
    }
    engine.catalogue.create(request.database, name);
    return {};
  });
};

export const drop: Command = (engine, request) =>
  engine.storage.write(() => {
    const collection = findCollection(engine, request);
    if (collection === undefined) throw new MongoError('NamespaceNotFound', 'ns not found');
    engine.catalogue.drop(collection);
    return { ns: collection.namespace, nIndexesWas: collection.indexes.length };
  });

export const dropDatabase: Command = (engine, request) =>
  engine.storage.write(() => {
    for (const collection of engine.catalogue.all()) {
      if (collection.database === request.database) engine.catalogue.drop(collection);
    }
    return { dropped: request.database };
  });

export const listCollections: Command = (engine, request) => {
  const filter = parseFilter(request.field('filter'));
  const documents = engine.catalogue
    .all()
    .filter(({ database }) => database === request.database)
    .map(({ name }) =>
      encodeDocument({
        name,
        type: 'collection',
        options: {},
        info: { readOnly: false },
        idIndex: idIndexSpecification,
      }),
    )
    .filter((document) => matches(filter, asDocument(document)));
  return cursorReply(engine, {
    namespace: `${request.database}.$cmd.listCollections`,
    source: sourceOf(documents),
    batchSize: Number.POSITIVE_INFINITY,
  });
};

export function sourceOf(documents: readonly Buffer[]) {
  let position = 0;
  return { next: () => documents[position++], suspend: () => undefined };
}

export const listDatabases: Command = (engine, request) => {
  const isNameOnly = isTrue(request.field('nameOnly'));
  const names = new Set(engine.catalogue.all().map(({ database }) => database));
  const filter = parseFilter(request.field('filter'));
  const databases = [...names]
    .sort()
    .map((name) => (isNameOnly ? { name } : { name, sizeOnDisk: 0, empty: false }))
    .filter((database) => matches(filter, encodeValue(database)));
  return { databases, totalSize: 0 };
};
