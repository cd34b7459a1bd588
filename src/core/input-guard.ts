import { AppError, type Text } from './errors.ts';

const maxDepth = 32;

const tooDeep: Text = { en: 'The input is nested too deeply', zh: '请求内容嵌套过深' };
const badText: Text = {
  en: 'Texts must be well-formed Unicode without NUL',
  zh: '文本必须是不含 NUL 的有效 Unicode',
};
const notJson: Text = { en: 'Only JSON values are taken', zh: '只接受 JSON 值' };

/**
 * Refuses what would overflow a stack or could not be stored as it was sent: deep nesting, lone surrogates, NUL,
 * binary attachments. Runs before anything else looks at the input, without recursion (promises 13 and 14).
 */
export function guardInput(input: unknown): void {
  let level: unknown[] = [input];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > maxDepth) throw new AppError('validation_failed', { detail: tooDeep });
    const below: unknown[] = [];
    for (const value of level) {
      if (typeof value === 'string') guardText(value);
      // 1e400 is read as Infinity, which no JSON can give back
      else if (typeof value === 'number' && !Number.isFinite(value))
        throw new AppError('validation_failed', { detail: notJson });
      else if (typeof value === 'object' && value !== null) collectMembers(value, below);
    }
    level = below;
  }
}

function collectMembers(value: object, into: unknown[]): void {
  if (Array.isArray(value)) {
    for (const member of value) into.push(member);
    return;
  }
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw new AppError('validation_failed', { detail: notJson });
  }
  for (const key of Object.keys(value)) {
    guardText(key);
    into.push((value as Record<string, unknown>)[key]);
  }
}

function guardText(text: string): void {
  if (!text.isWellFormed() || text.includes('\0')) throw malformedText();
}

/** What is said of text that could not be kept as it was sent. */
export function malformedText(): AppError {
  return new AppError('validation_failed', { detail: badText });
}
