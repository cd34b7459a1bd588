import { type BsonValue, bsonType, elementsOf, isNumber, numberOf, toPath } from './bson-value.ts';
import { MongoError, unsupported } from './errors.ts';
import type { IndexField } from './index-keys.ts';

/** Parses `{ field: 1, other: -1 }`. Throws BadValue for other directions; `$meta` is refused by name. */
export function parseSort(specification: BsonValue | undefined): IndexField[] {
  if (specification === undefined) return [];
  if (specification.type !== bsonType.object)
    throw new MongoError('TypeMismatch', 'Expected sort to be an object');
  return Array.from(elementsOf(specification), (element) => {
    if (element.type === bsonType.object) throw unsupported(`sorting by an expression (${element.name})`);
    const direction = isNumber(element) ? Number(numberOf(element)) : 0;
    if (direction !== 1 && direction !== -1) {
      throw new MongoError('BadValue', '$sort key ordering must be 1 (for ascending) or -1 (for descending)');
    }
    return { path: toPath(element.name), isDescending: direction === -1 };
  });
}
