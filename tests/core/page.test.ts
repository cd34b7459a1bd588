import { expect } from 'chai';
import fc from 'fast-check';
import { z } from 'zod';
import { AppError } from '../../src/core/errors.ts';
import { decodeCursor, encodeCursor, pageSize } from '../../src/core/page.ts';

const position = z.tuple([z.iso.datetime(), z.string().regex(/^[0-9a-f]{24}$/)]);

describe('core: cursors', () => {
  it('come back as the position that they hide, and are safe in a URL', () => {
    const any = fc.tuple(
      fc.date({ noInvalidDate: true, min: new Date(0), max: new Date('9999-01-01') }),
      fc.stringMatching(/^[0-9a-f]{24}$/),
    );
    fc.assert(
      fc.property(any, ([at, id]) => {
        const cursor = encodeCursor([at, id]);
        expect(cursor).to.match(/^[\w-]+$/);
        expect(decodeCursor(cursor, position)).to.deep.equal([at.toISOString(), id]);
      }),
    );
  });

  it('of any other making are refused by the name of their field', () => {
    const made = fc.oneof(fc.string(), fc.jsonValue().map(encodeCursor), fc.base64String());
    fc.assert(
      fc.property(made, (cursor) => {
        expect(() => decodeCursor(cursor, position, 'since'))
          .to.throw(AppError)
          .with.nested.property('options.fields.en[0].path', 'since');
      }),
    );
  });
});

describe('core: the size of a page', () => {
  it('is what was asked for, 50 with a cursor only, and 500 for clients that know no pages', () => {
    expect(pageSize({ limit: 7 })).to.equal(7);
    expect(pageSize({ limit: 7, cursor: 'x' })).to.equal(7);
    expect(pageSize({ cursor: 'x' })).to.equal(50);
    expect(pageSize({})).to.equal(500);
  });
});
