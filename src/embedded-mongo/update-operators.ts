import { compareValues, isEqual, textOf } from './bson-order.ts';
import {
  type BsonElement,
  type BsonValue,
  bsonType,
  elementsOf,
  isNumber,
  numberOf,
  unsupportedDecimal,
  valuesOf,
} from './bson-value.ts';
import { encodeDouble, encodeValue } from './bson-writer.ts';
import { MongoError, unsupported } from './errors.ts';
import { hasOperators, parseFilter } from './filter.ts';
import { compareBySort, type IndexField, sortKeyOf } from './index-keys.ts';
import { matches } from './matcher.ts';
import { isArrayNode, type Node, openNode, type Place, toValue } from './mutable-document.ts';
import { parseSort } from './sort.ts';

/** Applies one operator's operand to one place of a document. */
export type Modify = (place: Place) => void;

/** Builds the change of one operator and path, checking the operand at once. Undefined for an unknown operator. */
export function modifierOf(operator: string, element: BsonElement, now: Date): Modify | undefined {
  switch (operator) {
    case '$set':
    case '$setOnInsert':
      return (place) => place.set(element);
    case '$unset':
      return (place) => place.unset();
    case '$inc':
    case '$mul':
      return arithmetic(operator, element);
    case '$min':
    case '$max':
      return extreme(operator, element);
    case '$currentDate':
      return currentDate(element, now);
    case '$push':
      return push(element);
    case '$addToSet':
      return addToSet(element);
    case '$pull':
      return pull(element);
    case '$pullAll':
      return pullAll(element);
    case '$pop':
      return pop(element);
    default:
      return undefined;
  }
}

function arithmetic(operator: '$inc' | '$mul', element: BsonElement): Modify {
  const verb = operator === '$inc' ? 'increment' : 'multiply';
  if (!isNumber(element)) {
    throw new MongoError('TypeMismatch', `Cannot ${verb} with non-numeric argument: {${element.name}}`);
  }
  return (place) => {
    const current = place.get();
    if (current === undefined) {
      return place.set(operator === '$inc' ? element : compute(zeroLike(element), element, operator));
    }
    const value = toValue(current);
    if (!isNumber(value)) {
      throw new MongoError(
        'TypeMismatch',
        `Cannot apply ${operator} to a value of non-numeric type: ${element.name}`,
      );
    }
    place.set(compute(value, element, operator));
  };
}

const zeroLike = ({ type }: BsonValue): BsonValue =>
  type === bsonType.double ? encodeDouble(0) : encodeValue(type === bsonType.long ? 0n : 0);

/** Double if either is one, else Long if either is one or Int32 overflows. Throws when a Long overflows. */
function compute(left: BsonValue, right: BsonValue, operator: '$inc' | '$mul'): BsonValue {
  const [a, b] = [numberOf(left), numberOf(right)];
  if (left.type === bsonType.decimal || right.type === bsonType.decimal) throw unsupportedDecimal();
  if (left.type === bsonType.double || right.type === bsonType.double) {
    return encodeDouble(operator === '$inc' ? Number(a) + Number(b) : Number(a) * Number(b));
  }
  const exact = operator === '$inc' ? BigInt(a) + BigInt(b) : BigInt(a) * BigInt(b);
  if (BigInt.asIntN(64, exact) !== exact) {
    throw new MongoError('BadValue', `Failed to apply ${operator} operations to current value: out of range`);
  }
  const isInt =
    left.type === bsonType.int && right.type === bsonType.int && BigInt.asIntN(32, exact) === exact;
  return encodeValue(isInt ? Number(exact) : exact);
}

function extreme(operator: '$min' | '$max', element: BsonElement): Modify {
  return (place) => {
    const current = place.get();
    const order = current === undefined ? undefined : compareValues(element, toValue(current));
    if (order === undefined || (operator === '$max' ? order > 0 : order < 0)) place.set(element);
  };
}

function currentDate(element: BsonElement, now: Date): Modify {
  const kind = element.type === bsonType.object ? textOf(elementsOf(element).next().value) : undefined;
  if (element.type !== bsonType.bool && kind !== 'date') throw unsupported('$currentDate other than a date');
  return (place) => place.set(encodeValue(now));
}

function membersAt(place: Place, operator: string): Node[] | undefined {
  const current = place.get();
  if (current === undefined) return undefined;
  const opened = openNode(current);
  if (isArrayNode(opened)) return opened.members;
  const code = operator === '$pop' ? 'TypeMismatch' : 'BadValue';
  throw new MongoError(code, `Cannot apply ${operator} to a non-array value`);
}

/** The modifiers of `{ $each: […], … }`, or undefined for a plain value. */
function eachModifiers(element: BsonElement): Map<string, BsonElement> | undefined {
  if (!hasOperators(element)) return undefined;
  const modifiers = new Map(Array.from(elementsOf(element), (modifier) => [modifier.name, modifier]));
  if (!modifiers.has('$each')) return undefined;
  for (const name of modifiers.keys()) {
    if (!['$each', '$slice', '$position', '$sort'].includes(name)) {
      throw new MongoError('BadValue', `Unrecognized clause in $push: ${name}`);
    }
  }
  return modifiers;
}

function listOf(value: BsonValue | undefined, name: string): BsonValue[] {
  if (value?.type !== bsonType.array)
    throw new MongoError('BadValue', `The argument to ${name} must be an array`);
  return valuesOf(value);
}

function integerAt(modifiers: Map<string, BsonElement>, name: string): number | undefined {
  const value = modifiers.get(name);
  if (value === undefined) return undefined;
  const number = isNumber(value) ? Number(numberOf(value)) : Number.NaN;
  if (!Number.isInteger(number))
    throw new MongoError('BadValue', `The value for ${name} must be an integer value`);
  return number;
}

function push(element: BsonElement): Modify {
  const modifiers = eachModifiers(element);
  if (modifiers === undefined)
    return (place) => place.set({ members: [...(membersAt(place, '$push') ?? []), element] });
  const added = listOf(modifiers.get('$each'), '$each');
  const position = integerAt(modifiers, '$position');
  const slice = integerAt(modifiers, '$slice');
  const order = memberOrder(modifiers.get('$sort'));
  return (place) => {
    let members: Node[] = [...(membersAt(place, '$push') ?? [])];
    members.splice(position ?? members.length, 0, ...added);
    if (order !== undefined) members = members.map(toValue).sort(order);
    if (slice !== undefined) members = slice < 0 ? members.slice(slice) : members.slice(0, slice);
    place.set({ members });
  };
}

function memberOrder(
  sort: BsonValue | undefined,
): ((left: BsonValue, right: BsonValue) => number) | undefined {
  if (sort === undefined) return undefined;
  if (isNumber(sort)) {
    const direction = Number(numberOf(sort)) < 0 ? -1 : 1;
    return (left, right) => direction * compareValues(left, right);
  }
  const fields: IndexField[] = parseSort(sort);
  const keyOf = (value: BsonValue) => (value.type === bsonType.object ? sortKeyOf(fields, value) : [value]);
  return (left, right) => compareBySort(fields, keyOf(left), keyOf(right));
}

function addToSet(element: BsonElement): Modify {
  const modifiers = eachModifiers(element);
  if (modifiers !== undefined && modifiers.size > 1)
    throw new MongoError('BadValue', '$addToSet takes $each alone');
  const added = modifiers === undefined ? [element] : listOf(modifiers.get('$each'), '$each');
  return (place) => {
    const members: Node[] = [...(membersAt(place, '$addToSet') ?? [])];
    for (const value of added)
      if (!members.some((member) => isEqual(toValue(member), value))) members.push(value);
    place.set({ members });
  };
}

function removeWhere(operator: string, isRemoved: (member: BsonValue) => boolean): Modify {
  return (place) => {
    const members = membersAt(place, operator);
    if (members === undefined) place.checkViable();
    const kept = members?.filter((member) => !isRemoved(toValue(member)));
    if (kept !== undefined && kept.length !== members?.length) place.set({ members: kept });
  };
}

function pull(element: BsonElement): Modify {
  if (element.type !== bsonType.object) return removeWhere('$pull', (member) => isEqual(member, element));
  const first = elementsOf(element).next().value?.name ?? '';
  const isOnValues = first.startsWith('$') && !['$and', '$or', '$nor'].includes(first);
  if (!isOnValues) {
    const filter = parseFilter(element);
    return removeWhere('$pull', (member) => member.type === bsonType.object && matches(filter, member));
  }
  const filter = parseFilter(encodeValue({ '': element }));
  return removeWhere('$pull', (member) => matches(filter, encodeValue({ '': member })));
}

function pullAll(element: BsonElement): Modify {
  const removed = listOf(element, '$pullAll');
  return removeWhere('$pullAll', (member) => removed.some((value) => isEqual(member, value)));
}

function pop(element: BsonElement): Modify {
  const end = isNumber(element) ? Number(numberOf(element)) : 0;
  if (end !== 1 && end !== -1) throw new MongoError('FailedToParse', '$pop expects 1 or -1');
  return (place) => {
    const members = membersAt(place, '$pop');
    if (members === undefined) place.checkViable();
    if (members !== undefined) place.set({ members: end === 1 ? members.slice(0, -1) : members.slice(1) });
  };
}
