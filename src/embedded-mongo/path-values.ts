import { type BsonValue, bsonType, fieldOf, type Path, valuesOf } from './bson-value.ts';

/** Returns true to stop. `undefined` stands for a missing field. */
type Visit = (value: BsonValue | undefined) => boolean;

/**
 * Visits what a path leads to, as MongoDB walks it: through every document of an array, and also to a member by its
 * position. An array of scalars on the way yields nothing; a missing field, or a scalar on the way, yields undefined.
 * The array at the path's end is visited as a whole. Returns whether a visit stopped the walk.
 */
export function visitPath(document: BsonValue, path: Path, visit: Visit, depth = 0): boolean {
  const name = path.encoded[depth];
  if (name === undefined) return visit(document);
  const field = fieldOf(document, name);
  return visitField(field, path, visit, depth + 1);
}

function visitField(field: BsonValue | undefined, path: Path, visit: Visit, depth: number): boolean {
  if (depth === path.names.length || field === undefined) return visit(field);
  if (field.type === bsonType.object) return visitPath(field, path, visit, depth);
  if (field.type === bsonType.array) return visitMembers(field, path, visit, depth);
  return visit(undefined);
}

function visitMembers(array: BsonValue, path: Path, visit: Visit, depth: number): boolean {
  const members = valuesOf(array);
  for (const member of members) {
    if (member.type === bsonType.object && visitPath(member, path, visit, depth)) return true;
  }
  const position = path.names[depth] ?? '';
  const member = /^(0|[1-9]\d*)$/.test(position) ? members[Number(position)] : undefined;
  return member !== undefined && visitField(member, path, visit, depth + 1);
}

/** Like visitPath, and in an array at the path's end also each member, before the array itself. */
export function visitLeaves(document: BsonValue, path: Path, visit: Visit): boolean {
  return visitPath(document, path, (value) => {
    if (value?.type === bsonType.array) {
      for (const member of valuesOf(value)) if (visit(member)) return true;
    }
    return visit(value);
  });
}
