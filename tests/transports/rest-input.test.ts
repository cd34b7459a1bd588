import { expect } from 'chai';
import type { Request } from 'express';
import fc from 'fast-check';
import { z } from 'zod';
import { type Operation, operation, type Route } from '../../src/core/operation.ts';
import { inputOf } from '../../src/transports/rest-input.ts';

const declared: Operation = operation({
  summary: 'Something',
  access: 'user',
  input: z.object({
    id: z.string(),
    text: z.string().optional(),
    limit: z.int().optional(),
    size: z.number().default(1),
    isGood: z.boolean().nullable().optional(),
  }),
  output: null,
  errors: [],
  routes: [],
  flood: 'read',
});

interface Parts {
  params?: Record<string, string>;
  query?: Record<string, string | string[]>;
  body?: unknown;
}

/** As much of a request as the input is read from. */
function requestOf({ params = {}, query = {}, body }: Parts): Request {
  const headers = { 'content-length': body === undefined ? '0' : '2' };
  return { headers, params, query, body, is: () => 'application/json' } as unknown as Request;
}

const get: Route = { method: 'GET', path: '/x/:id' };
const post: Route = { method: 'POST', path: '/x/:id' };

describe('transports: the input of a REST call', () => {
  it('has any query parameter, whatever its name, and never fails over one', () => {
    const names = fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', 'toString', 'limit'));
    const query = fc.dictionary(names, fc.oneof(fc.string(), fc.array(fc.string(), { minLength: 2 })), {
      noNullPrototype: true,
    });
    fc.assert(
      fc.property(query, (given) => {
        const input = inputOf(requestOf({ query: given }), declared, get) as object;
        expect(Object.keys(input)).to.have.members(Object.keys(given));
        expect(Object.getPrototypeOf(input)).to.equal(Object.prototype);
      }),
    );
  });

  it('reads numbers and booleans where the contract wants them, and nowhere else', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.boolean(), (number, truth) => {
        const [limit, isGood] = [String(number), String(truth)];
        const query = { limit, size: limit, isGood, text: limit, id: isGood, unknown: limit };
        expect(inputOf(requestOf({ query }), declared, get)).to.deep.equal({
          ...{ limit: number, size: number, isGood: truth },
          ...{ text: limit, id: isGood, unknown: limit },
        });
      }),
    );
  });

  for (const text of ['', ' 1', '1e3', '0x10', 'NaN', 'Infinity', '--1', '1,5', '١', '9'.repeat(17)]) {
    it(`leaves ${JSON.stringify(text)} a text, for the contract to refuse`, () => {
      expect(inputOf(requestOf({ query: { limit: text } }), declared, get)).to.deep.equal({ limit: text });
    });
  }

  it('lets the path win over the body, and the body over the query', () => {
    const parts = { params: { id: 'path' }, body: { id: 'body', text: 'body' }, query: { text: 'query' } };
    expect(inputOf(requestOf(parts), declared, post)).to.deep.equal({ id: 'path', text: 'body' });
  });

  it('renames parameters and adds what the route itself gives, which nothing overrides', () => {
    const route: Route = { ...post, rename: { id: 'text' }, fixed: { isGood: true } };
    const request = requestOf({ params: { id: 'x' }, body: { isGood: false } });
    expect(inputOf(request, declared, route)).to.deep.equal({ text: 'x', isGood: true });
  });

  it('keeps __proto__ of a body a plain member', () => {
    const body: unknown = JSON.parse('{"__proto__":{"id":"x"}}');
    const input = inputOf(requestOf({ body }), declared, post) as { id?: string };
    expect(Object.getPrototypeOf(input)).to.equal(Object.prototype);
    expect(input.id).to.equal(undefined);
  });
});
