import { type BsonValue, bsonType, fieldOf, type Path, valuesOf } from './bson-value.ts';

/**
 * Returns true to stop. `undefined` stands for a missing field; `isMember` says that the path ended with a position
 * in an array: what lies there is taken as it is, even if it is an array.
 */
type Visit = (value: BsonValue | undefined, isMember: boolean) => boolean;

/**
 * Visits what a path leads to, as MongoDB walks it: through every document of an array, and also to a member by its
 * position. Scalars in an array on the way yield nothing; a missing field, or a scalar on the way, yields undefined.
 * The array at the path's end is visited as a whole. Returns whether a visit stopped the walk.
 */
export function visitPath(document: BsonValue, path: Path, visit: Visit, depth = 0): boolean {
  const name = path.encoded[depth];
  if (name === undefined) return visit(document, true);
  const field = fieldOf(document, name);
  if (depth + 1 === path.names.length || field === undefined) return visit(field, false);
  if (field.type === bsonType.object) return visitPath(field, path, visit, depth + 1);
  if (field.type === bsonType.array) return visitMembers(field, path, visit, depth + 1);
  return visit(undefined, false);
}

function visitMembers(array: BsonValue, path: Path, visit: Visit, depth: number): boolean {
  const members = valuesOf(array);
  const position = /^(0|[1-9]\d*)$/.test(path.names[depth] ?? '') ? Number(path.names[depth]) : -1;
  for (const [index, member] of members.entries()) {
    if (member.type === bsonType.object && visitPath(member, path, visit, depth)) return true;
    if (index === position && visitMember(member, path, visit, depth + 1)) return true;
  }
  return false;
}

function visitMember(member: BsonValue, path: Path, visit: Visit, depth: number): boolean {
  if (depth === path.names.length) return visit(member, true);
  if (member.type === bsonType.object) return visitPath(member, path, visit, depth);
  return member.type === bsonType.array && visitMembers(member, path, visit, depth);
}

/** Like visitPath, and in an array at the path's end also each member, before the array itself. */
export function visitLeaves(
  document: BsonValue,
  path: Path,
  visit: (value: BsonValue | undefined) => boolean,
): boolean {
  if (path === wholeValue) return visitPath(document, path, visit);
  return visitPath(document, path, (value, isMember) => {
    if (value?.type === bsonType.array && !isMember) {
      for (const member of valuesOf(value)) if (visit(member)) return true;
    }
    return visit(value);
  });
}

/** The path of a value that stands alone in a document under the empty name, and is not looked into. */
export const wholeValue: Path = { text: '', names: [''], encoded: [Buffer.alloc(0)] };
