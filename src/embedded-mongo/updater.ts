import { compareNames, isEqual, textOf } from './bson-order.ts';
import {
  asDocument,
  type BsonElement,
  type BsonValue,
  bsonType,
  elementsOf,
  fieldOf,
  toPath,
} from './bson-value.ts';
import { MongoError, unsupported } from './errors.ts';
import type { Filter } from './filter.ts';
import {
  type DocumentNode,
  encodeNode,
  isArrayNode,
  isDocumentNode,
  openNode,
  placeOf,
  toValue,
} from './mutable-document.ts';
import { newObjectId } from './object-id.ts';
import { type Modify, modifierOf } from './update-operators.ts';

/** A parsed update: modifiers in the order of their paths, or a replacement. */
export interface Update {
  isReplacement: boolean;
  apply(before: Buffer): Buffer;
  /** The document to insert when nothing matched. */
  upsert(filter: Filter): Buffer;
}

interface Step {
  path: string;
  names: readonly string[];
  isOnInsertOnly: boolean;
  modify(root: DocumentNode, place: ReturnType<typeof placeOf>): void;
}

const maxDocumentSize = 16 * 1024 * 1024;
const idName = Buffer.from('_id');

/** Parses an update document. Throws FailedToParse naming what is unknown, ConflictingUpdateOperators … */
export function parseUpdate(update: BsonValue): Update {
  if (update.type === bsonType.array) throw unsupported('an update by an aggregation pipeline');
  if (update.type !== bsonType.object)
    throw new MongoError('FailedToParse', 'Update argument must be an object');
  const first = elementsOf(update).next().value;
  return first?.name.startsWith('$') ? modifyingUpdate(update) : replacement(update);
}

function replacement(update: BsonValue): Update {
  for (const { name } of elementsOf(update)) {
    if (name.startsWith('$'))
      throw new MongoError(
        'DollarPrefixedFieldName',
        `The dollar ($) prefixed field '${name}' is not allowed in a replacement`,
      );
  }
  const withId = (id: BsonValue | undefined): Buffer => {
    const root = openDocument(update);
    if (id !== undefined && !root.fields.has('_id')) root.fields.set('_id', id);
    return encodeNode(root);
  };
  return {
    isReplacement: true,
    apply(before) {
      const id = fieldOf(asDocument(before), idName);
      return checked(before, withId(id));
    },
    upsert(filter) {
      const root: DocumentNode = { fields: new Map() };
      fillFromFilter(root, filter);
      const id = root.fields.get('_id');
      return withId(id === undefined ? newObjectId() : toValue(id));
    },
  };
}

function modifyingUpdate(update: BsonValue): Update {
  const steps = parseSteps(update);
  const run = (root: DocumentNode, isInsert: boolean) => {
    for (const step of steps) {
      if (isInsert || !step.isOnInsertOnly) step.modify(root, placeOf(root, step.names));
    }
  };
  return {
    isReplacement: false,
    apply(before) {
      const root = openDocument(asDocument(before));
      run(root, false);
      return checked(before, encodeNode(root));
    },
    upsert(filter) {
      const root: DocumentNode = { fields: new Map() };
      fillFromFilter(root, filter);
      const id = root.fields.get('_id');
      run(root, true);
      const now = root.fields.get('_id');
      if (id !== undefined && (now === undefined || !isEqual(toValue(id), toValue(now)))) throw immutableId();
      if (now === undefined) root.fields.set('_id', newObjectId());
      return encodeNode(root);
    },
  };
}

function openDocument(document: BsonValue): DocumentNode {
  const node = openNode(document);
  return isDocumentNode(node) ? node : { fields: new Map() };
}

function checked(before: Buffer, after: Buffer): Buffer {
  const old = fieldOf(asDocument(before), idName);
  const now = fieldOf(asDocument(after), idName);
  if (old === undefined || now === undefined || !isEqual(old, now)) throw immutableId();
  checkSize(after);
  return after;
}

/** Throws BSONObjectTooLarge above 16 MB. */
export function checkSize(document: Buffer): void {
  if (document.length > maxDocumentSize)
    throw new MongoError('BSONObjectTooLarge', 'object to insert too large');
}

function immutableId(): MongoError {
  return new MongoError(
    'ImmutableField',
    "Performing an update on the path '_id' would modify the immutable field '_id'",
  );
}

function parseSteps(update: BsonValue): Step[] {
  const steps: Step[] = [];
  const now = new Date();
  for (const operator of elementsOf(update)) {
    if (!knownOperators.has(operator.name)) {
      throw new MongoError('FailedToParse', `Unknown modifier: ${operator.name}`);
    }
    if (operator.type !== bsonType.object) {
      throw new MongoError(
        'FailedToParse',
        `Modifiers operate on fields but we found another type for ${operator.name}`,
      );
    }
    for (const element of elementsOf(operator)) steps.push(...parseStep(operator.name, element, now));
  }
  refuseConflicts(steps);
  return steps.sort((left, right) => comparePaths(left.names, right.names));
}

const knownOperators = new Set(
  '$set $setOnInsert $unset $inc $mul $min $max $currentDate $push $addToSet $pull $pullAll $pop $rename'.split(
    ' ',
  ),
);

function parseStep(operator: string, element: BsonElement, now: Date): Step[] {
  const names = checkedNames(element.name);
  if (operator === '$rename') return renameSteps(element, names);
  const modify: Modify | undefined = modifierOf(operator, element, now);
  if (modify === undefined) throw new MongoError('FailedToParse', `Unknown modifier: ${operator}`);
  const isOnInsertOnly = operator === '$setOnInsert';
  return [{ path: element.name, names, isOnInsertOnly, modify: (_, place) => modify(place) }];
}

function checkedNames(path: string): readonly string[] {
  const { names } = toPath(path);
  if (names.includes(''))
    throw new MongoError('BadValue', `The update path '${path}' contains an empty field name`);
  const positional = names.find((name) => name.startsWith('$'));
  if (positional === undefined) return names;
  if (/^\$(\[.*\])?$/.test(positional))
    throw unsupported(`the positional operator ${positional} (in '${path}')`);
  throw new MongoError(
    'DollarPrefixedFieldName',
    `The dollar ($) prefixed field '${positional}' in '${path}' is not allowed`,
  );
}

function renameSteps(element: BsonElement, from: readonly string[]): Step[] {
  const target = textOf(element);
  if (target === undefined)
    throw new MongoError('BadValue', `The 'to' field for $rename must be a string: ${element.name}`);
  const to = checkedNames(target);
  // both ends are steps, so that they conflict with other changes of either path
  return [
    { path: element.name, names: from, isOnInsertOnly: false, modify: () => undefined },
    {
      path: target,
      names: to,
      isOnInsertOnly: false,
      modify(root, place) {
        const source = placeOf(root, from);
        source.checkViable();
        for (const path of [from, to]) refuseArrayElement(root, path);
        const node = source.get();
        if (node === undefined) return;
        source.unset();
        place.set(node);
      },
    },
  ];
}

function refuseArrayElement(root: DocumentNode, path: readonly string[]): void {
  for (let length = 1; length < path.length; length++) {
    const node = placeOf(root, path.slice(0, length)).get();
    if (node !== undefined && isArrayNode(openNode(node))) {
      throw new MongoError('BadValue', `Neither end of $rename can be an array element: ${path.join('.')}`);
    }
  }
}

function refuseConflicts(steps: Step[]): void {
  const paths = new Set<string>();
  for (const { path } of steps) {
    if (paths.has(path)) throw conflict(path, path);
    paths.add(path);
  }
  for (const { path, names } of steps) {
    for (let length = 1; length < names.length; length++) {
      const prefix = names.slice(0, length).join('.');
      if (paths.has(prefix)) throw conflict(path, prefix);
    }
  }
}

function conflict(path: string, at: string): MongoError {
  return new MongoError(
    'ConflictingUpdateOperators',
    `Updating the path '${path}' would create a conflict at '${at}'`,
  );
}

/** New fields are appended in the order of their paths, numbers by value, as MongoDB does since 5.0. */
function comparePaths(left: readonly string[], right: readonly string[]): number {
  for (const [position, name] of left.entries()) {
    const other = right[position];
    if (other === undefined) return 1;
    if (name === other) continue;
    const areNumbers = /^\d+$/.test(name) && /^\d+$/.test(other);
    return areNumbers ? Number(name) - Number(other) : compareNames(name, other);
  }
  return left.length - right.length;
}

/** An upsert starts from what the filter says the document equals. */
function fillFromFilter(root: DocumentNode, filter: Filter): void {
  if (filter.kind === 'and') for (const clause of filter.clauses) fillFromFilter(root, clause);
  if (filter.kind === 'comparison' && filter.operator === '$eq') {
    placeOf(root, filter.path.names).set(filter.operand);
  }
}
