import { expect } from 'chai';
import fc from 'fast-check';
import { AppError } from '../../src/core/errors.ts';
import { guardInput } from '../../src/core/input-guard.ts';

function nest(depth: number, isArray: (level: number) => boolean): unknown {
  let value: unknown = 'innermost';
  for (let level = 0; level < depth; level++) value = isArray(level) ? [value] : { inner: value };
  return value;
}

function isRefused(input: unknown): boolean {
  try {
    guardInput(input);
    return false;
  } catch (error) {
    if (error instanceof AppError && error.code === 'validation_failed') return true;
    throw error;
  }
}

/** Puts a value somewhere into a structure that is fine. */
const somewhere = (value: unknown) =>
  fc.oneof(
    fc.constant(value),
    fc.tuple(fc.jsonValue({ maxDepth: 3 }), fc.constant(value)),
    fc.jsonValue({ maxDepth: 3 }).map((other) => ({ other, deep: { deeper: [other, value] } })),
  );

describe('core: the input guard', () => {
  it('lets every well-formed JSON value of moderate depth pass', () => {
    const clean = fc.jsonValue({ maxDepth: 8 }).filter((value) => !JSON.stringify(value).includes('\\u'));
    fc.assert(fc.property(clean, (value) => void expect(isRefused(value)).to.equal(false)));
  });

  it('lets 32 levels pass and refuses 33, of arrays and objects in any mixture', () => {
    const mixture = fc.array(fc.boolean(), { minLength: 33, maxLength: 33 });
    fc.assert(
      fc.property(mixture, (choices) => {
        const isArray = (level: number) => choices[level] ?? false;
        expect(isRefused(nest(32, isArray))).to.equal(false);
        expect(isRefused(nest(33, isArray))).to.equal(true);
      }),
    );
  });

  it('refuses any depth without running out of stack', () => {
    for (const depth of [100, 6000, 1_000_000]) {
      expect(isRefused(nest(depth, () => true)), `${depth} arrays`).to.equal(true);
      expect(isRefused(nest(depth, () => false)), `${depth} objects`).to.equal(true);
    }
  });

  it('refuses lone surrogates and NUL wherever they hide, keys included', () => {
    const bad = fc
      .tuple(fc.string(), fc.constantFrom('\ud800', '\udfff', '\0', '\udc00\ud800'), fc.constant('!'))
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(
        bad.chain((text) => fc.tuple(somewhere(text), fc.constant({ nested: { [text]: 1 } }))),
        ([asValue, asKey]) => {
          expect(isRefused(asValue)).to.equal(true);
          expect(isRefused(asKey)).to.equal(true);
        },
      ),
    );
  });

  it('refuses what JSON cannot hold: buffers, dates, maps, instances', () => {
    const foreign = [Buffer.from('x'), new Date(), new Map(), new Uint8Array(2), new AppError('internal')];
    for (const value of foreign)
      fc.assert(
        fc.property(somewhere(value), (input) => void expect(isRefused(input)).to.equal(true)),
        { numRuns: 10 },
      );
  });

  it('takes objects without a prototype, and keys named like its members', () => {
    expect(isRefused(Object.assign(Object.create(null), { a: 1 }))).to.equal(false);
    expect(isRefused(JSON.parse('{"__proto__":{"a":1},"constructor":1}'))).to.equal(false);
  });
});
