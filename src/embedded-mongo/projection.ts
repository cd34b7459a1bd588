import { isTrue, rankOf } from './bson-order.ts';
import {
  asDocument,
  type BsonElement,
  type BsonValue,
  bsonType,
  elementsOf,
  isNumber,
} from './bson-value.ts';
import { BsonWriter } from './bson-writer.ts';
import { MongoError, unsupported } from './errors.ts';

/** Fields to keep (or leave out); `true` for a whole field, a tree for parts of it. */
type Fields = Map<string, Fields | true>;

export interface Projection {
  fields: Fields;
  isInclusion: boolean;
  hasId: boolean;
}

/** Parses inclusions or exclusions. Refuses expressions and `$` operators by name; undefined for "everything". */
export function parseProjection(specification: BsonValue | undefined): Projection | undefined {
  if (specification === undefined || specification.type !== bsonType.object) return undefined;
  const fields: Fields = new Map();
  let isInclusion: boolean | undefined;
  let hasId: boolean | undefined;
  for (const element of elementsOf(specification)) {
    const isKept = parseFlag(element);
    if (element.name === '_id') {
      hasId = isKept;
      continue;
    }
    if (isInclusion !== undefined && isInclusion !== isKept) {
      const kinds = isKept ? 'inclusion on field' : 'exclusion on field';
      throw new MongoError(
        'BadValue',
        `Cannot do ${kinds} ${element.name} in ${isKept ? 'exclusion' : 'inclusion'} projection`,
      );
    }
    isInclusion = isKept;
    addPath(fields, element.name);
  }
  if (isInclusion === undefined && hasId === undefined) return undefined;
  return { fields, isInclusion: isInclusion ?? hasId === true, hasId: hasId ?? true };
}

function parseFlag(element: BsonElement): boolean {
  const operator = element.type === bsonType.object ? elementsOf(element).next().value?.name : undefined;
  if (operator?.startsWith('$')) throw unsupported(`the projection ${operator}`);
  if (element.name.split('.').some((name) => name.startsWith('$')))
    throw unsupported(`the projection ${element.name}`);
  if (!isNumber(element) && element.type !== bsonType.bool)
    throw unsupported('a computed field in a projection');
  return isTrue(element);
}

function addPath(fields: Fields, path: string): void {
  const names = path.split('.');
  const last = names.pop() ?? '';
  let level = fields;
  for (const name of names) {
    const known = level.get(name);
    if (known === true) throw new MongoError('BadValue', `Path collision at ${path}`);
    const next: Fields = known ?? new Map();
    level.set(name, next);
    level = next;
  }
  if (level.has(last)) throw new MongoError('BadValue', `Path collision at ${path}`);
  level.set(last, true);
}

/** The projected document; the document itself when there is no projection. */
export function project(projection: Projection | undefined, bytes: Buffer): Buffer {
  if (projection === undefined) return bytes;
  const writer = new BsonWriter(bytes.length);
  const begin = writer.open();
  const onlyId = projection.isInclusion && projection.fields.size === 0;
  for (const element of elementsOf(asDocument(bytes))) {
    if (element.name !== '_id') writeField(writer, element, projection);
    else if (projection.hasId) writer.value('_id', element);
    if (onlyId && element.name === '_id') break;
  }
  writer.close(begin);
  return writer.finish();
}

interface Level {
  fields: Fields;
  isInclusion: boolean;
}

function writeField(writer: BsonWriter, element: BsonElement, { fields, isInclusion }: Level): void {
  const wanted = fields.get(element.name);
  if (wanted === undefined || wanted === true) {
    if ((wanted === true) === isInclusion) writer.value(element.name, element);
    return;
  }
  writePart(writer, element, { fields: wanted, isInclusion });
}

/** Within a field: documents are projected, arrays member by member; scalars have no parts to include. */
function writePart(writer: BsonWriter, element: BsonElement, level: Level): void {
  if (rankOf(element.type) === rankOf(bsonType.object)) {
    writer.header(element.type, element.name);
    const begin = writer.open();
    for (const child of elementsOf(element)) writeField(writer, child, level);
    writer.close(begin);
  } else if (element.type === bsonType.array) {
    writer.header(element.type, element.name);
    const begin = writer.open();
    let position = 0;
    for (const member of elementsOf(element)) {
      const from = writer.length;
      writePart(writer, { ...member, name: String(position) }, level);
      if (writer.length > from) position++;
    }
    writer.close(begin);
  } else if (!level.isInclusion) {
    writer.value(element.name, element);
  }
}
