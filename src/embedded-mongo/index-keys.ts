import { compareValues } from './bson-order.ts';
import { type BsonValue, bsonType, type Path, valuesOf } from './bson-value.ts';
import { BsonWriter } from './bson-writer.ts';
import { MongoError } from './errors.ts';
import { finishKey, writeComponent } from './key-encoding.ts';
import { visitPath } from './path-values.ts';

export interface IndexField {
  path: Path;
  isDescending: boolean;
}

export interface IndexKeys {
  keys: Buffer[];
  /** Positions of the fields that held an array. */
  multikey: number[];
  /** Whether a key was too long to keep its order. */
  isHashed: boolean;
  /** Whether the document has none of the fields. */
  isEmpty: boolean;
}

const emptyArray: BsonValue = { type: bsonType.undefined, bytes: Buffer.alloc(0), start: 0, end: 0 };

/** The keys (without the index's number) under which an index holds a document: several if a field is an array. */
export function keysOf(fields: readonly IndexField[], document: BsonValue): IndexKeys {
  const found = fields.map(({ path }) => valuesAt(document, path));
  const multikey = [...found.keys()].filter((position) => found[position]?.isMulti);
  refuseParallelArrays(fields, multikey);
  let partial: (BsonValue | undefined)[][] = [[]];
  for (const { values } of found) {
    partial = partial.flatMap((before) => values.map((value) => [...before, value]));
  }
  let isHashed = false;
  const keys = new Map<string, Buffer>();
  for (const values of partial) {
    const writer = new BsonWriter(64);
    for (const [position, field] of fields.entries())
      writeComponent(writer, values[position], field.isDescending);
    const finished = finishKey(writer.finish());
    isHashed ||= finished.isHashed;
    keys.set(partial.length > 1 ? finished.key.toString('latin1') : '', finished.key);
  }
  const isEmpty = found.every(({ values }) => values.length === 1 && values[0] === undefined);
  return { keys: [...keys.values()], multikey, isHashed, isEmpty };
}

function valuesAt(document: BsonValue, path: Path): { values: (BsonValue | undefined)[]; isMulti: boolean } {
  const values: (BsonValue | undefined)[] = [];
  let visits = 0;
  let isMulti = false;
  visitPath(document, path, (value, isMember) => {
    visits++;
    if (value?.type === bsonType.array && !isMember) {
      isMulti = true;
      const members = valuesOf(value);
      if (members.length === 0) values.push(emptyArray);
      else values.push(...members);
    } else values.push(value);
    return false;
  });
  if (values.length === 0) values.push(undefined);
  // an array on the way may yield no or one value only, yet bounds on it must not be combined
  return { values, isMulti: isMulti || visits !== 1 };
}

function refuseParallelArrays(fields: readonly IndexField[], multikey: number[]): void {
  const roots = new Set(multikey.map((position) => fields[position]?.path.names[0]));
  if (roots.size < 2) return;
  throw new MongoError(
    'CannotIndexParallelArrays',
    `cannot index parallel arrays [${[...roots].join('] [')}]`,
  );
}

/** Compares documents by a sort specification, taking the least (or greatest) member of arrays. */
export function compareBySort(fields: readonly IndexField[], left: SortKey, right: SortKey): number {
  for (const [position, { isDescending }] of fields.entries()) {
    const order = compareValues(left[position] ?? nullValue, right[position] ?? nullValue);
    if (order !== 0) return isDescending ? -order : order;
  }
  return 0;
}

export type SortKey = readonly (BsonValue | undefined)[];

const nullValue: BsonValue = { type: bsonType.null, bytes: Buffer.alloc(0), start: 0, end: 0 };

export function sortKeyOf(fields: readonly IndexField[], document: BsonValue): SortKey {
  return fields.map(({ path, isDescending }) =>
    valuesAt(document, path).values.reduce((best, value) => {
      const order = compareValues(value ?? nullValue, best ?? nullValue);
      return (isDescending ? order > 0 : order < 0) ? value : best;
    }),
  );
}
