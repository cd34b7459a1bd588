import { compareValues, isEqual, rankOf } from './bson-order.ts';
import { type BsonValue, bsonType, type Path, valuesOf } from './bson-value.ts';
import { BsonWriter } from './bson-writer.ts';
import type { ComparisonOperator, Filter } from './filter.ts';
import { visitLeaves, visitPath } from './path-values.ts';

type OnPath = Exclude<Filter, { kind: 'and' | 'or' | 'nor' | 'not' }>;

/** Whether a document fulfils a filter, with MongoDB's rules for arrays, null and types. */
export function matches(filter: Filter, document: BsonValue): boolean {
  switch (filter.kind) {
    case 'and':
      return filter.clauses.every((clause) => matches(clause, document));
    case 'or':
      return filter.clauses.some((clause) => matches(clause, document));
    case 'nor':
      return !filter.clauses.some((clause) => matches(clause, document));
    case 'not':
      return !matches(filter.clause, document);
    default:
      return matchesPath(filter, document);
  }
}

function matchesPath(filter: OnPath, document: BsonValue): boolean {
  switch (filter.kind) {
    case 'comparison':
      return visitLeaves(document, filter.path, (value) => compares(filter.operator, value, filter.operand));
    case 'in':
      return visitLeaves(document, filter.path, (value) => isAmong(filter.operands, value));
    case 'exists':
      return visitPath(document, filter.path, (value) => value !== undefined);
    case 'type':
      return visitLeaves(
        document,
        filter.path,
        (value) => value !== undefined && filter.types.has(value.type),
      );
    case 'size':
      return visitArrays(document, filter.path, (members) => members.length === filter.size);
    case 'elemMatch':
      return visitArrays(document, filter.path, (members) =>
        members.some((member) => member.type === bsonType.object && matches(filter.clause, member)),
      );
    case 'elemMatchValue':
      return visitArrays(document, filter.path, (members) =>
        members.some((member) => matches(filter.clause, wrap(member))),
      );
  }
}

/** Binary search: lists of hundreds are matched against hundreds of documents. */
function isAmong(operands: readonly BsonValue[], value: BsonValue | undefined): boolean {
  if (value === undefined) return operands.some(({ type }) => type === bsonType.null);
  let low = 0;
  let high = operands.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const operand = operands[middle];
    const order = operand === undefined ? 0 : compareValues(value, operand);
    if (order === 0) return true;
    if (order < 0) high = middle - 1;
    else low = middle + 1;
  }
  return false;
}

function visitArrays(document: BsonValue, path: Path, visit: (members: BsonValue[]) => boolean): boolean {
  return visitPath(document, path, (value) => value?.type === bsonType.array && visit(valuesOf(value)));
}

/** A member of an array as the only field, with the empty name, of a document. */
function wrap(member: BsonValue): BsonValue {
  const writer = new BsonWriter(member.end - member.start + 8);
  const begin = writer.open();
  writer.value('', member);
  writer.close(begin);
  return { type: bsonType.object, bytes: writer.bytes, start: 0, end: writer.length };
}

/** Whether one value, or none, stands in this relation to the operand: only values of the operand's kind do. */
export function compares(
  operator: ComparisonOperator,
  value: BsonValue | undefined,
  operand: BsonValue,
): boolean {
  const isNullish = operand.type === bsonType.null;
  if (value === undefined || value.type === bsonType.undefined) {
    return isNullish && operator !== '$gt' && operator !== '$lt';
  }
  if (operator === '$eq') return isEqual(value, operand);
  const isOfAllTypes = operand.type === bsonType.minKey || operand.type === bsonType.maxKey;
  if (!isOfAllTypes && rankOf(value.type) !== rankOf(operand.type)) return false;
  if (isNotANumber(value) !== isNotANumber(operand)) return false;
  const order = compareValues(value, operand);
  if (operator === '$gt') return order > 0;
  if (operator === '$gte') return order >= 0;
  return operator === '$lt' ? order < 0 : order <= 0;
}

function isNotANumber({ type, bytes, start }: BsonValue): boolean {
  return type === bsonType.double && Number.isNaN(bytes.readDoubleLE(start));
}
