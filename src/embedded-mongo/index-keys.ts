import { compareValues } from './bson-order.ts';
import { type BsonValue, bsonType, type Path, valuesOf } from './bson-value.ts';
import { BsonWriter } from './bson-writer.ts';
import { MongoError } from './errors.ts';
import { closeKey, idSize, noBytes, writeComponent } from './key-encoding.ts';
import { visitPath } from './path-values.ts';

export interface IndexField {
  path: Path;
  isDescending: boolean;
}

/** What of an index its keys are made of. */
interface Keyed {
  readonly id: number;
  readonly fields: readonly IndexField[];
  readonly isUnique: boolean;
}

export interface IndexKeys {
  /** Whole keys, with the index's number and, unless the index is unique, the record's. */
  keys: Buffer[];
  /** Positions of the fields that held an array. */
  multikey: number[];
  /** Whether a key was too long to keep its order. */
  isHashed: boolean;
  /** Whether the document has none of the fields. */
  isEmpty: boolean;
}

const emptyArray: BsonValue = { type: bsonType.undefined, bytes: Buffer.alloc(0), start: 0, end: 0 };

/** The keys under which an index holds a document: several if a field is an array. */
export function keysOf(index: Keyed, document: BsonValue, recordId: Buffer): IndexKeys {
  const found = index.fields.map(({ path }) => valuesAt(document, path));
  const multikey: number[] = [];
  let isEmpty = true;
  for (const [position, { values, isMulti }] of found.entries()) {
    if (isMulti) multikey.push(position);
    isEmpty &&= values.length === 1 && values[0] === undefined;
  }
  if (multikey.length > 1) refuseParallelArrays(index.fields, multikey);
  const { keys, isHashed } = writeKeys(index, found, recordId);
  // elsewhere a key that is written twice is there once
  const isRepeated = index.isUnique && keys.length > 1;
  return { keys: isRepeated ? withoutRepeats(keys) : keys, multikey, isHashed, isEmpty };
}

const usualSize = 4096;
/** One for all, since a document's keys are written and copied in one go. */
let keyWriter = new BsonWriter(usualSize);

/** Goes through all combinations of the fields' values; what stands before an array is written once for all members. */
function writeKeys(
  { id, fields, isUnique }: Keyed,
  found: readonly Found[],
  recordId: Buffer,
): Pick<IndexKeys, 'keys' | 'isHashed'> {
  // the room that a huge value took is not kept
  if (keyWriter.bytes.length > 16 * usualSize) keyWriter = new BsonWriter(usualSize);
  const writer = keyWriter;
  const keys: Buffer[] = [];
  let isHashed = false;

  function complete(): void {
    const closed = closeKey(writer, isUnique ? noBytes : recordId);
    keys.push(closed.key);
    isHashed ||= closed.isHashed;
  }

  function writeFrom(position: number): void {
    const field = fields[position];
    if (field === undefined) {
      complete();
      return;
    }
    const start = writer.length;
    for (const value of found[position]?.values ?? []) {
      writer.length = start;
      writeComponent(writer, value, field.isDescending);
      writeFrom(position + 1);
    }
  }

  writer.length = 0;
  writer.bytes.writeUInt32BE(id, writer.reserve(idSize));
  writeFrom(0);
  return { keys, isHashed };
}

function withoutRepeats(keys: readonly Buffer[]): Buffer[] {
  return [...new Map(keys.map((key) => [key.toString('latin1'), key])).values()];
}

interface Found {
  values: readonly (BsonValue | undefined)[];
  /** Whether there was an array at the path or on the way. */
  isMulti: boolean;
}

function valuesAt(document: BsonValue, path: Path): Found {
  const values: (BsonValue | undefined)[] = [];
  let visits = 0;
  let isMulti = false;
  visitPath(document, path, (value, isMember) => {
    visits++;
    if (value?.type === bsonType.array && !isMember) {
      isMulti = true;
      const members = valuesOf(value);
      if (members.length === 0) values.push(emptyArray);
      else for (const member of members) values.push(member);
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
