import { expect } from 'chai';
import fc from 'fast-check';
import mongoose from 'mongoose';
import { compareValues } from '../../src/embedded-mongo/bson-order.ts';
import { asDocument, type BsonValue, valuesOf } from '../../src/embedded-mongo/bson-value.ts';
import { encodeComponent } from '../../src/embedded-mongo/key-encoding.ts';

const { BSON, Binary, Double, Long, MaxKey, MinKey, ObjectId, Timestamp } = mongoose.mongo;

function toValue(value: unknown): BsonValue {
  const [encoded] = valuesOf(asDocument(Buffer.from(BSON.serialize({ value }))));
  if (encoded === undefined) throw new Error('nothing was encoded');
  return encoded;
}

const big = (value: bigint) => Long.fromBigInt(value);
const scalar = fc.oneof(
  fc.integer(),
  fc.double().map((value) => new Double(value)),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(big),
  fc.bigInt({ min: 2n ** 53n - 3n, max: 2n ** 53n + 3n }).map(big),
  fc.constantFrom(2 ** 53, -(2 ** 53), 2 ** 63, 0, -0).map((value) => new Double(value)),
  fc.string({ unit: 'binary', maxLength: 6 }),
  fc.constantFrom('a', 'a\0', 'a\0b', 'ab', '\uffff', '\u{1f600}', ''),
  fc.uint8Array({ maxLength: 5 }).map((bytes) => new Binary(bytes)),
  fc.uint8Array({ minLength: 12, maxLength: 12 }).map((bytes) => new ObjectId(bytes)),
  fc.date({ noInvalidDate: true }),
  fc.constantFrom(null, true, false, new MinKey(), new MaxKey(), new Timestamp({ t: 1, i: 2 })),
);
const value = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    { weight: 6, arbitrary: scalar },
    { weight: 1, arbitrary: fc.array(tie('value'), { maxLength: 3 }) },
    { weight: 1, arbitrary: fc.dictionary(fc.constantFrom('a', 'b', 'ab'), tie('value'), { maxKeys: 3 }) },
  ),
})).value;

const sign = (order: number): number => Math.sign(order) + 0;

describe('embedded-mongo key encoding', () => {
  it('orders keys as MongoDB orders values, ascending and descending', () => {
    fc.assert(
      fc.property(value, value, (left, right) => {
        const [a, b] = [toValue(left), toValue(right)];
        const order = sign(compareValues(a, b));
        const after = Buffer.of(1);
        const key = (one: BsonValue, isDescending: boolean) =>
          Buffer.concat([encodeComponent(one, isDescending), after]);
        expect(sign(Buffer.compare(key(a, false), key(b, false)))).to.equal(order);
        expect(sign(Buffer.compare(key(a, true), key(b, true)))).to.equal(sign(-order));
      }),
      { numRuns: 5000, seed: 3 },
    );
  });

  it('orders compound keys by their first difference', () => {
    fc.assert(
      fc.property(fc.tuple(scalar, scalar), fc.tuple(scalar, scalar), ([a, b], [c, d]) => {
        const key = (first: unknown, second: unknown) =>
          Buffer.concat([
            encodeComponent(toValue(first), false),
            encodeComponent(toValue(second), true),
            Buffer.of(1),
          ]);
        const first = compareValues(toValue(a), toValue(c));
        const expected = first === 0 ? -compareValues(toValue(b), toValue(d)) : first;
        expect(sign(Buffer.compare(key(a, b), key(c, d)))).to.equal(sign(expected));
      }),
      { numRuns: 3000, seed: 4 },
    );
  });
});
