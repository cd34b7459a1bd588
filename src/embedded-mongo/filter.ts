import { compareValues, textOf } from './bson-order.ts';
import {
  type BsonElement,
  type BsonValue,
  bsonType,
  elementsOf,
  isNumber,
  numberOf,
  type Path,
  toPath,
  valuesOf,
} from './bson-value.ts';
import { MongoError } from './errors.ts';
import { wholeValue } from './path-values.ts';

export type ComparisonOperator = '$eq' | '$gt' | '$gte' | '$lt' | '$lte';

/** A parsed filter: what both the matcher and the planner read. */
export type Filter =
  | { kind: 'and' | 'or' | 'nor'; clauses: Filter[] }
  | { kind: 'not'; clause: Filter }
  | { kind: 'comparison'; path: Path; operator: ComparisonOperator; operand: BsonValue }
  /** Operands in ascending order. */
  | { kind: 'in'; path: Path; operands: BsonValue[] }
  | { kind: 'exists'; path: Path }
  | { kind: 'type'; path: Path; types: ReadonlySet<number> }
  | { kind: 'size'; path: Path; size: number }
  /** A member of the array that is a document and matches all of it … */
  | { kind: 'elemMatch'; path: Path; clause: Filter }
  /** … or a member that itself fulfils operators; their path is the empty name in a wrapping document. */
  | { kind: 'elemMatchValue'; path: Path; clause: Filter };

/** Parses a filter document. Throws BadValue, naming the operator, for what is unknown or malformed. */
export function parseFilter(document: BsonValue | undefined): Filter {
  if (document === undefined) return { kind: 'and', clauses: [] };
  if (document.type !== bsonType.object) throw bad('Expected the filter to be an object');
  const clauses: Filter[] = [];
  for (const element of elementsOf(document)) {
    if (element.name.startsWith('$')) clauses.push(...parseLogical(element));
    else clauses.push(...parseField(toPath(element.name), element));
  }
  return both(clauses);
}

function both(clauses: Filter[]): Filter {
  const [only] = clauses;
  return clauses.length === 1 && only !== undefined ? only : { kind: 'and', clauses };
}

function parseLogical(element: BsonElement): Filter[] {
  if (element.name === '$comment') return [];
  const kinds = { $and: 'and', $or: 'or', $nor: 'nor' } as const;
  const kind = kinds[element.name as keyof typeof kinds];
  if (kind === undefined) throw bad(`unknown top level operator: ${element.name}`);
  if (element.type !== bsonType.array) throw bad(`${element.name} must be an array`);
  const clauses = valuesOf(element).map((clause) => {
    if (clause.type !== bsonType.object) throw bad(`${element.name} entries need to be full objects`);
    return parseFilter(clause);
  });
  if (clauses.length === 0) throw bad(`${element.name} must be a nonempty array`);
  return kind === 'and' ? clauses : [{ kind, clauses }];
}

function parseField(path: Path, value: BsonValue): Filter[] {
  if (!hasOperators(value)) {
    if (value.type === bsonType.regex) throw bad('unknown operator: $regex');
    return [{ kind: 'comparison', path, operator: '$eq', operand: value }];
  }
  return Array.from(elementsOf(value), (element) => parseOperator(path, element)).flat();
}

/** Whether a value is a document of operators rather than one to compare with. */
export function hasOperators(value: BsonValue): boolean {
  if (value.type !== bsonType.object) return false;
  const first = elementsOf(value).next();
  return !first.done && first.value.name.startsWith('$');
}

function parseOperator(path: Path, element: BsonElement): Filter[] {
  const operator = element.name;
  switch (operator) {
    case '$eq':
    case '$gt':
    case '$gte':
    case '$lt':
    case '$lte':
      return [{ kind: 'comparison', path, operator, operand: asOperand(element) }];
    case '$ne':
      return [not({ kind: 'comparison', path, operator: '$eq', operand: asOperand(element) })];
    case '$in':
      return [{ kind: 'in', path, operands: parseList(element) }];
    case '$nin':
      return [not({ kind: 'in', path, operands: parseList(element) })];
    case '$not':
      if (!hasOperators(element)) throw bad('$not needs a document of operators');
      return [not(both(parseField(path, element)))];
    case '$exists':
      return [parseExists(path, element)];
    case '$type':
      return [{ kind: 'type', path, types: parseTypes(element) }];
    case '$size':
      return [{ kind: 'size', path, size: parseSize(element) }];
    case '$all':
      return parseAll(path, element);
    case '$elemMatch':
      return [parseElemMatch(path, element)];
    default:
      throw bad(`unknown operator: ${operator}`);
  }
}

const not = (clause: Filter): Filter => ({ kind: 'not', clause });

function asOperand(value: BsonValue): BsonValue {
  if (value.type === bsonType.regex) throw bad('unknown operator: $regex');
  return value;
}

function parseList(element: BsonElement): BsonValue[] {
  if (element.type !== bsonType.array) throw bad(`${element.name} needs an array`);
  const operands = valuesOf(element).map((value) => {
    if (hasOperators(value)) throw bad(`cannot nest $ under ${element.name}`);
    return asOperand(value);
  });
  return operands.sort(compareValues);
}

function parseExists(path: Path, value: BsonValue): Filter {
  const isOff =
    value.type === bsonType.null ||
    (value.type === bsonType.bool && value.bytes[value.start] === 0) ||
    (isNumber(value) && value.type !== bsonType.decimal && Number(numberOf(value)) === 0);
  const exists: Filter = { kind: 'exists', path };
  return isOff ? not(exists) : exists;
}

function parseTypes(element: BsonValue): Set<number> {
  const types = new Set<number>();
  for (const value of element.type === bsonType.array ? valuesOf(element) : [element]) {
    const alias = textOf(value);
    const named = alias === undefined ? undefined : (bsonType as Record<string, number | undefined>)[alias];
    const number = alias === undefined && isNumber(value) ? Number(numberOf(value)) & 0xff : named;
    if (alias === 'number')
      for (const type of [bsonType.int, bsonType.long, bsonType.double, bsonType.decimal]) types.add(type);
    else if (number === undefined)
      throw bad(`Unknown type name alias: ${alias ?? 'neither text nor number'}`);
    else types.add(number);
  }
  if (types.size === 0) throw new MongoError('FailedToParse', '$type must match at least one type');
  return types;
}

function parseSize(value: BsonValue): number {
  const size = isNumber(value) ? Number(numberOf(value)) : Number.NaN;
  if (!Number.isInteger(size) || size < 0) throw bad('$size must be a whole number, not negative');
  return size;
}

function parseAll(path: Path, element: BsonElement): Filter[] {
  if (element.type !== bsonType.array) throw bad('$all needs an array');
  const members = valuesOf(element);
  // nothing contains all of nothing
  if (members.length === 0) return [{ kind: 'or', clauses: [] }];
  return members.map((member) => {
    const first = member.type === bsonType.object ? elementsOf(member).next() : undefined;
    if (first?.done === false && first.value.name === '$elemMatch') return parseElemMatch(path, first.value);
    if (hasOperators(member)) throw bad('no $ expressions in $all');
    return { kind: 'comparison', path, operator: '$eq', operand: asOperand(member) };
  });
}

const logicalNames = new Set(['$and', '$or', '$nor']);

function parseElemMatch(path: Path, element: BsonValue): Filter {
  if (element.type !== bsonType.object) throw bad('$elemMatch needs an Object');
  const first = elementsOf(element).next();
  const isOnValues = !first.done && first.value.name.startsWith('$') && !logicalNames.has(first.value.name);
  if (isOnValues) return { kind: 'elemMatchValue', path, clause: both(parseField(wholeValue, element)) };
  return { kind: 'elemMatch', path, clause: parseFilter(element) };
}

function bad(message: string): MongoError {
  return new MongoError('BadValue', message);
}
