import type { Request } from 'express';
import type { z } from 'zod';
import { AppError } from '../core/errors.ts';
import type { Operation, Route } from '../core/operation.ts';

/** Path, query and body as the one flat object that an operation takes; the path wins, as a body does not repeat it. */
export function inputOf(request: Request, operation: Operation, route: Route): unknown {
  const body = route.method === 'GET' || operation.upload ? {} : bodyOf(request);
  const query = fromText(operation.input, request.query);
  return { ...query, ...body, ...renamed(request.params, route), ...route.fixed };
}

function bodyOf(request: Request): object {
  const hasBody =
    request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length']) > 0;
  if (!hasBody) return {};
  if (!request.is(['application/json', 'application/*+json'])) throw new AppError('unsupported_media_type');
  const body: unknown = request.body;
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body;
  throw new AppError('validation_failed', {
    detail: { en: 'A JSON object is wanted', zh: '请求体须为 JSON 对象' },
  });
}

function renamed(params: Request['params'], { rename = {} }: Route): Record<string, unknown> {
  return Object.fromEntries(Object.entries(params).map(([name, value]) => [rename[name] ?? name, value]));
}

/** A query has text only: what the contract wants as number or boolean is read as such, if it reads so. */
function fromText(input: z.ZodObject, query: Request['query']): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(query).map(([name, text]) => [
      name,
      typeof text === 'string'
        ? read(Object.hasOwn(input.shape, name) ? input.shape[name] : undefined, text)
        : text,
    ]),
  );
}

function read(field: z.core.$ZodType | undefined, text: string): unknown {
  switch (kindOf(field)) {
    case 'number':
      return /^-?\d{1,16}(\.\d{1,16})?$/.test(text) ? Number(text) : text;
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : text;
    default:
      return text;
  }
}

/** What a field holds beneath `optional`, `default` and `nullable`. */
function kindOf(field: z.core.$ZodType | undefined): string | undefined {
  const definition = field?._zod.def as { type: string; innerType?: z.core.$ZodType } | undefined;
  return definition?.innerType ? kindOf(definition.innerType) : definition?.type;
}
