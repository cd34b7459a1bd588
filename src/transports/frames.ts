import type { RawData } from 'ws';
import type { Text } from '../core/errors.ts';
import { type BoundOperation, type Frame, refusedCall, unknownEvent } from '../core/operation.ts';
import type { Outcome } from '../core/run-operation.ts';

/** What a client calls one of its frames, to know the answer to it. */
export type FrameId = string | number | undefined;

export interface ClientFrame {
  id: FrameId;
  /** Empty if this is no frame of the protocol. */
  type: string;
  input: Record<string, unknown>;
  /** Says what is wrong with what is no frame of the protocol. */
  refusal: BoundOperation | null;
}

const idMaxLength = 64;

const noObject = invalidFrame({
  en: 'A frame is the text of one JSON object',
  zh: '每帧须为一个 JSON 对象的文本',
});
const noType = invalidFrame({ en: 'A frame has a type, which is a string', zh: '每帧须带字符串类型的 type' });
const badId = invalidFrame({
  en: 'The id of a frame is a number or a string of at most 64 characters',
  zh: '帧的 id 须为数字或不超过 64 个字符的字符串',
});

function invalidFrame(fault: Text): BoundOperation {
  return refusedCall('invalid_frame', 'validation_failed', fault);
}

/** Reads a frame, `{ type, id?, … }` in one flat object. Never throws. */
export function readFrame(data: RawData, isBinary: boolean): ClientFrame {
  const given = isBinary ? undefined : parse(String(data));
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return refused(noObject);
  const { type, id, ...input } = given as Record<string, unknown>;
  if (!isFrameId(id)) return refused(badId);
  return typeof type === 'string' ? { id, type, input, refusal: null } : refused(noType, id);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function refused(refusal: BoundOperation, id?: FrameId): ClientFrame {
  return { id, type: '', input: {}, refusal };
}

function isFrameId(id: unknown): id is FrameId {
  if (typeof id === 'string') return id.length <= idMaxLength && id.isWellFormed();
  return id === undefined || Number.isFinite(id);
}

/** What a frame asks for, and how it is answered. */
interface FrameRow {
  bound: BoundOperation;
  frame: Frame;
}

/** Finds what frames ask for: operations by their event names, and by the types that their contracts add. */
export function createFrameTable(operations: readonly BoundOperation[]) {
  const rows: FrameRow[] = [
    ...operations.flatMap((bound) =>
      bound.operation.event ? [{ bound, frame: { type: bound.operation.event } }] : [],
    ),
    ...operations.flatMap((bound) => (bound.operation.frames ?? []).map((frame) => ({ bound, frame }))),
  ];
  const byType = new Map(rows.map((row) => [row.frame.type, row]));

  return ({ type, input, refusal }: ClientFrame): FrameRow & { input: unknown } => {
    if (refusal) return { bound: refusal, frame: { type, failure: 'error' }, input: {} };
    const row = byType.get(type);
    if (row) return { ...row, input: inputOf(input, row.frame) };
    return { bound: unknownEvent, frame: { type }, input: {} };
  };
}

function inputOf(given: Record<string, unknown>, { rename, fixed }: Frame): unknown {
  if (!rename) return { ...given, ...fixed };
  const renamed = Object.entries(given).map(([name, value]) => [
    Object.hasOwn(rename, name) ? rename[name] : name,
    value,
  ]);
  return { ...Object.fromEntries(renamed), ...fixed };
}

/** The answer to a frame, as text. */
export function encodeAnswer({ success, failure }: Frame, id: FrameId, outcome: Outcome): string {
  const type = outcome.ok ? success : failure;
  if (type === undefined) return JSON.stringify({ type: 'ack', id, ...outcome });
  const { ok: _, ...answer } = outcome;
  return JSON.stringify({ type, id, ...answer });
}

/** A push as bytes, so that it is encoded once for all who hear it. */
export type EncodePush = (event: string, data: unknown) => Buffer;

export function createPushEncoder(frameTypes: Readonly<Record<string, string>>): EncodePush {
  return (event, data) => Buffer.from(JSON.stringify({ type: frameTypes[event] ?? event, data }));
}
