import { compareValues, isEqual, rankOf } from './bson-order.ts';
import { type BsonValue, bsonType } from './bson-value.ts';
import type { ComparisonOperator, Filter } from './filter.ts';
import { compares } from './matcher.ts';

export interface RangeBound {
  operator: Exclude<ComparisonOperator, '$eq'>;
  operand: BsonValue;
}

/** What a filter demands of one path in every matching document. */
export interface PathConstraint {
  /** One of these values, when present. */
  points: BsonValue[] | undefined;
  bounds: RangeBound[];
  /** Whether it has to be there, with whatever value. */
  exists: boolean;
}

export type Constraints = ReadonlyMap<string, PathConstraint>;

/** What all matching documents have in common, path by path: the conjuncts an index can serve. */
export function constraintsOf(filter: Filter): Constraints {
  const constraints = new Map<string, PathConstraint>();
  collect(filter, '', constraints);
  return constraints;
}

function collect(filter: Filter, prefix: string, constraints: Map<string, PathConstraint>): void {
  if (filter.kind === 'and') {
    for (const clause of filter.clauses) collect(clause, prefix, constraints);
  } else if (filter.kind === 'elemMatch') {
    collect(filter.clause, `${prefix}${filter.path.text}.`, constraints);
  } else if (filter.kind === 'exists') {
    constraintAt(constraints, prefix + filter.path.text).exists = true;
  } else if (filter.kind === 'in' && filter.operands.every(isIndexable)) {
    addPoints(constraintAt(constraints, prefix + filter.path.text), filter.operands);
  } else if (filter.kind === 'comparison' && isIndexable(filter.operand)) {
    const { operator, operand } = filter;
    const constraint = constraintAt(constraints, prefix + filter.path.text);
    if (operator === '$eq') addPoints(constraint, [operand]);
    // null and the like bound nothing but themselves
    else if (rankOf(operand.type) >= 10 && operand.type !== bsonType.maxKey)
      constraint.bounds.push({ operator, operand });
  }
}

/** Arrays match as a whole or as a member, and Decimal128 has no key. */
function isIndexable({ type }: BsonValue): boolean {
  return type !== bsonType.array && type !== bsonType.decimal && type !== bsonType.undefined;
}

function constraintAt(constraints: Map<string, PathConstraint>, path: string): PathConstraint {
  const constraint = constraints.get(path) ?? { points: undefined, bounds: [], exists: false };
  constraints.set(path, constraint);
  return constraint;
}

/** Of two lists of points the shorter one: in an array both may hold, so they must not be intersected. */
function addPoints(constraint: PathConstraint, points: BsonValue[]): void {
  if (constraint.points === undefined || points.length < constraint.points.length) constraint.points = points;
}

/** Whether every document with these constraints fulfils a partial index's filter. */
export function implies(constraints: Constraints, filter: Filter): boolean {
  if (filter.kind === 'and') return filter.clauses.every((clause) => implies(constraints, clause));
  if (filter.kind === 'or') return filter.clauses.some((clause) => implies(constraints, clause));
  if (
    filter.kind !== 'exists' &&
    filter.kind !== 'type' &&
    filter.kind !== 'comparison' &&
    filter.kind !== 'in'
  ) {
    return false;
  }
  const constraint = constraints.get(filter.path.text);
  if (constraint === undefined) return false;
  const { points, bounds, exists } = constraint;
  if (filter.kind === 'exists' && exists) return true;
  if (points !== undefined && points.length > 0) return points.every((point) => pointImplies(point, filter));
  return bounds.some((bound) => boundImplies(bound, filter));
}

function pointImplies(point: BsonValue, filter: Filter): boolean {
  switch (filter.kind) {
    case 'exists':
      return point.type !== bsonType.null;
    case 'type':
      return point.type !== bsonType.null && hasOnlyType(point, filter.types);
    case 'comparison':
      return compares(filter.operator, point, filter.operand);
    case 'in':
      return filter.operands.some((operand) => isEqual(point, operand));
    default:
      return false;
  }
}

/** Numbers of one value may be stored with any of their types. */
function hasOnlyType(value: BsonValue, types: ReadonlySet<number>): boolean {
  if (rankOf(value.type) !== rankOf(bsonType.int)) return types.has(value.type);
  return [bsonType.int, bsonType.long, bsonType.double, bsonType.decimal].every((type) => types.has(type));
}

function boundImplies({ operator, operand }: RangeBound, filter: Filter): boolean {
  if (filter.kind === 'exists') return true;
  if (filter.kind === 'type') return hasOnlyType(operand, filter.types);
  if (filter.kind !== 'comparison' || rankOf(operand.type) !== rankOf(filter.operand.type)) return false;
  const isLower = operator === '$gt' || operator === '$gte';
  if (isLower !== (filter.operator === '$gt' || filter.operator === '$gte')) return false;
  if (filter.operator === '$eq') return false;
  const order = compareValues(operand, filter.operand);
  const isInside = isLower ? order > 0 : order < 0;
  const isStrictEnough =
    filter.operator === operator || filter.operator === '$gte' || filter.operator === '$lte';
  return isInside || (order === 0 && isStrictEnough);
}
