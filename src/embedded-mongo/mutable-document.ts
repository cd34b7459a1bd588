import { type BsonValue, bsonType, elementsOf, valuesOf } from './bson-value.ts';
import { BsonWriter } from './bson-writer.ts';
import { MongoError } from './errors.ts';

/** A document being changed: what a path does not touch stays the raw bytes it was. */
export type Node = BsonValue | DocumentNode | ArrayNode;
/** A Map and not an object, which would move fields named by integers to the front. */
export interface DocumentNode {
  fields: Map<string, Node>;
}
export interface ArrayNode {
  members: Node[];
}

export const isDocumentNode = (node: Node | undefined): node is DocumentNode =>
  node !== undefined && 'fields' in node;
export const isArrayNode = (node: Node | undefined): node is ArrayNode =>
  node !== undefined && 'members' in node;

/** Opens a raw document or array one level deep; anything else stays as it is. */
export function openNode(node: Node): Node {
  if (!('type' in node)) return node;
  if (node.type === bsonType.object) {
    return { fields: new Map(Array.from(elementsOf(node), (element) => [element.name, element])) };
  }
  return node.type === bsonType.array ? { members: valuesOf(node) } : node;
}

function writeNode(writer: BsonWriter, name: string, node: Node): void {
  if ('type' in node) {
    writer.value(name, node);
  } else {
    writer.header(isDocumentNode(node) ? bsonType.object : bsonType.array, name);
    writeMembers(writer, node);
  }
}

function writeMembers(writer: BsonWriter, node: DocumentNode | ArrayNode): void {
  const begin = writer.open();
  if (isDocumentNode(node)) for (const [field, child] of node.fields) writeNode(writer, field, child);
  else for (const [position, child] of node.members.entries()) writeNode(writer, String(position), child);
  writer.close(begin);
}

/** The whole document's bytes, with `_id` in front. */
export function encodeNode(root: DocumentNode): Buffer {
  const writer = new BsonWriter();
  const begin = writer.open();
  const id = root.fields.get('_id');
  if (id !== undefined) writeNode(writer, '_id', id);
  for (const [field, child] of root.fields) if (field !== '_id') writeNode(writer, field, child);
  writer.close(begin);
  return writer.finish();
}

/** The value at a node as raw bytes. */
export function toValue(node: Node): BsonValue {
  if ('type' in node) return node;
  const writer = new BsonWriter();
  writeMembers(writer, node);
  return {
    type: isDocumentNode(node) ? bsonType.object : bsonType.array,
    bytes: writer.bytes,
    start: 0,
    end: writer.length,
  };
}

const maxPadding = 1_500_000;

/** One place in a document. Creating the way to it, or passing a scalar, throws PathNotViable. */
export interface Place {
  get(): Node | undefined;
  set(node: Node): void;
  unset(): void;
  /** Throws PathNotViable when the place is missing and could not be created. */
  checkViable(): void;
}

export function placeOf(root: DocumentNode, names: readonly string[]): Place {
  const last = names.at(-1) ?? '';
  return {
    get() {
      const parent = walk(root, names, 'look');
      return parent === undefined ? undefined : childOf(parent, last);
    },
    set(node) {
      const parent = walk(root, names, 'create');
      if (parent !== undefined) setChild(parent, last, node);
    },
    unset() {
      const parent = walk(root, names, 'look');
      if (isDocumentNode(parent)) parent.fields.delete(last);
      // a hole would move what follows: MongoDB leaves null
      else if (parent !== undefined && childOf(parent, last) !== undefined) setChild(parent, last, nullValue);
    },
    checkViable() {
      const parent = walk(root, names, 'check');
      if (isArrayNode(parent) && !isPosition(last)) throw notViable(last);
    },
  };
}

/** The parent of a place, opened on the way there; undefined when it is missing and not to be created. */
function walk(
  root: DocumentNode,
  names: readonly string[],
  purpose: 'look' | 'check' | 'create',
): DocumentNode | ArrayNode | undefined {
  let node: DocumentNode | ArrayNode = root;
  for (const [depth, name] of names.slice(0, -1).entries()) {
    const child = childOf(node, name);
    if (child === undefined) {
      if (isArrayNode(node) && !isPosition(name) && purpose !== 'look') throw notViable(name);
      if (purpose !== 'create') return undefined;
    }
    const opened = openNode(child ?? { fields: new Map() });
    if (!isDocumentNode(opened) && !isArrayNode(opened)) {
      if (purpose === 'look') return undefined;
      throw notViable(names[depth + 1] ?? '', name);
    }
    if (opened !== child) setChild(node, name, opened);
    node = opened;
  }
  return node;
}

function notViable(name: string, parent = 'an array'): MongoError {
  return new MongoError('PathNotViable', `Cannot create field '${name}' in element {${parent}: …}`);
}

const isPosition = (name: string): boolean => /^\d+$/.test(name);

const nullValue: BsonValue = { type: bsonType.null, bytes: Buffer.alloc(0), start: 0, end: 0 };

function childOf(node: DocumentNode | ArrayNode, name: string): Node | undefined {
  if (isDocumentNode(node)) return node.fields.get(name);
  return isPosition(name) ? node.members[Number(name)] : undefined;
}

function setChild(node: DocumentNode | ArrayNode, name: string, child: Node): void {
  if (isDocumentNode(node)) {
    node.fields.set(name, child);
    return;
  }
  const position = Number(name);
  if (!isPosition(name) || position > node.members.length + maxPadding) throw notViable(name);
  while (node.members.length < position) node.members.push(nullValue);
  node.members[position] = child;
}
