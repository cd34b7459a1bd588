import { expect } from 'chai';
import fc from 'fast-check';
import { isBlank, shortText, withoutInvisible } from '../../src/core/text.ts';

const line = shortText({ min: 1, max: 100 });
const takes = (text: string) => line.safeParse(text).success;

const hidden = fc.constantFrom(
  ...['\u0000', '\u0007', '\t', '\n', '\u007f', '\u0085', '\u061c', '\u200b', '\u200c', '\u200d'],
  ...['\u200e', '\u200f', '\u202a', '\u202e', '\u2060', '\u2064', '\u2066', '\u2069', '\ufeff'],
);
// some letters are invisible, such as the fillers of Hangul
const letters = fc
  .stringMatching(/^[\p{L}]{1,20}$/u)
  .filter((text) => text.length <= 40 && !/\p{Default_Ignorable_Code_Point}/u.test(text));
const person = fc.constantFrom('👩', '🧑', '👨🏽', '🏳️', '🐻');
const part = fc.constantFrom('🚀', '💻', '❤️', '🌈', '♂️', '👧');

describe('core: short texts', () => {
  it('take letters of every script and keep them as they are', () => {
    fc.assert(fc.property(letters, (text) => void expect(line.parse(text)).to.equal(text)));
  });

  it('refuse a control, bidirectional or zero-width character between any letters', () => {
    fc.assert(
      fc.property(
        letters,
        hidden,
        letters,
        (before, character, after) => void expect(takes(before + character + after)).to.equal(false),
      ),
    );
  });

  it('take joiners that join emoji, and refuse them at an emoji’s end', () => {
    fc.assert(
      fc.property(person, fc.array(part, { minLength: 1, maxLength: 3 }), (who, parts) => {
        const emoji = [who, ...parts].join('\u200d');
        expect(takes(`Ann ${emoji}`), emoji).to.equal(true);
        expect(takes(`Ann ${emoji}\u200d`), `${emoji} and a joiner`).to.equal(false);
        expect(takes(`${emoji}\u200dAnn`), `${emoji} joined to a letter`).to.equal(false);
      }),
    );
  });

  it('take selectors and tags where they belong to an emoji, and refuse them elsewhere', () => {
    const england = '🏴\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F}';
    for (const text of ['I ❤️ you', '1️⃣ first', '👩🏽‍🚀', '🏳️‍🌈', england])
      expect(takes(text), text).to.equal(true);
    for (const text of ['Admin\uFE0F', '\uFE0F\uFE0F', '1\uFE0F', '\u{E0041}', 'Admin\u{E0041}', '\uFFFF'])
      expect(takes(text), JSON.stringify(text)).to.equal(false);
  });

  it('are cut of blanks at their ends before they are measured', () => {
    expect(line.parse(`  ${'a'.repeat(100)} \t`)).to.have.length(100);
    expect(takes(' \t ')).to.equal(false);
    expect(takes('a'.repeat(101))).to.equal(false);
  });
});

describe('core: blank texts', () => {
  it('are those of which nothing is left without what is invisible', () => {
    const mixed = fc
      .array(fc.oneof(hidden, fc.constantFrom(' ', '\u2800', '\u3164', '\uFE0F', '\uFFFF'), letters, person))
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.oneof(mixed, fc.string({ unit: 'binary' })), (text) => {
        expect(isBlank(text), JSON.stringify(text)).to.equal(withoutInvisible(text).trim() === '');
      }),
      { numRuns: 1000 },
    );
  });
});
