import { expect } from 'chai';
import fc from 'fast-check';
import {
  anyTerm,
  isFoundBy,
  parseQuery,
  searchableText,
  termsOf,
  termsOfQuery,
} from '../../src/features/search/search-terms.rules.ts';

function finds(query: string, text: string): boolean {
  const parsed = parseQuery(query);
  return parsed !== null && isFoundBy(parsed, text);
}

describe('search terms', () => {
  const found: [what: string, query: string, text: string][] = [
    ['a word in any case', 'HeLLo', 'well, hello there'],
    ['all words in any order', 'there hello', 'Hello there'],
    ['a word that a sign ends', 'now', 'Now!'],
    ['a word that Chinese ends', 'wifi', '请连wifi再试'],
    ['full-width letters', 'ＡＢＣ', 'abc'],
    ['all forms of a letter', 'STRASSE', 'straße'],
    ['a capital sharp s', 'straẞe', 'Strasse'],
    ['both forms of sigma', 'ΟΔΟΣ', 'οδοσ'],
    ['composed and decomposed letters', 'cafe\u0301', 'CAFÉ'],
    ['one Chinese character', '室', '会议室在三楼'],
    ['Chinese by any part of it', '议室在', '会议室在三楼'],
    ['words and Chinese together, wherever they are', 'meeting 会议室', '会议室 B: Meeting 10:00'],
    ['Japanese', 'カナ', 'ひらがなカタカナー'],
    ['Korean with a particle', '회의실', '회의실에서'],
    ['Thai', 'ประชุม', 'ห้องประชุมใหญ่'],
    ['an emoji', '👍', 'ok 👍🏽'],
    ['a joined emoji by its parts', '👩', '👩‍🚀'],
    ['numbers', '10086', '打10086'],
    ['what has signs between by its words', 'a.b@c.com', 'mail a.b@c.com'],
    ['a character beyond the basic plane', '𠮷', '𠮷野家'],
    ['what hides in soft hyphens', 'overview', 'over\u00adview'],
  ];
  for (const [what, query, text] of found)
    it(`finds ${what}`, () => {
      expect(finds(query, text)).to.equal(true);
    });

  const missed: [what: string, query: string, text: string][] = [
    ['a part of a word', 'hell', 'hello'],
    ['a text without one of the words', 'hello world', 'hello there'],
    ['characters that stand apart', '会室', '会议室'],
    ['parts over a gap', '会议室', '会议 室'],
    ['another accent', 'cafe', 'café'],
    ['a regular expression', 'a.c', 'abc'],
    ['a pattern for everything', '.*', 'abc'],
  ];
  for (const [what, query, text] of missed)
    it(`does not find ${what}`, () => {
      expect(finds(query, text)).to.equal(false);
    });

  for (const blank of ['', '.*', '"', '\u0301'.repeat(64), '\u200b\u200d', '$()[]{}', '，。！'])
    it(`has nothing to find in ${JSON.stringify(blank)}`, () => {
      expect(parseQuery(blank)).to.equal(null);
    });

  it('reads texts, and the names of files and places; nothing else', () => {
    expect(searchableText('text', 'hello')).to.equal('hello');
    for (const contentType of ['image', 'file', 'audio', 'video', 'location'])
      expect(searchableText(contentType, { name: 'plan.pdf' })).to.equal('plan.pdf');
    expect(searchableText('custom', { name: 'x' })).to.equal('');
    expect(searchableText('system', { event: 'x', name: 'x' })).to.equal('');
    for (const content of [null, undefined, {}, { name: 7 }])
      expect(searchableText('file', content)).to.equal('');
  });

  it('bounds the terms of a text, and then proposes it for every query', () => {
    const characters = (count: number) =>
      String.fromCodePoint(...Array.from({ length: count }, (_, index) => 0x4e00 + index));
    expect(termsOf(characters(500))).to.have.length(999);
    expect(termsOf(characters(4000))).to.deep.equal([anyTerm]);
    const words = Array.from({ length: 2000 }, (_, index) => (0x1_0000 + index).toString(36)).join(' ');
    expect(termsOf(words)).to.deep.equal([anyTerm]);
  });

  it('keeps terms short, whatever the words', () => {
    const word = 'x'.repeat(4000);
    expect(termsOf(word)).to.deep.equal(['X'.repeat(64)]);
    expect(finds('x'.repeat(64), word)).to.equal(false);
  });

  it('looks for the rarest first: long words and pairs of characters', () => {
    const first = (query: string) => termsOfQuery(parseQuery(query) ?? { words: [], parts: [] })[0];
    expect(first('a conference')).to.equal('CONFERENCE');
    expect(first('ok 会议')).to.equal('会议');
    expect(first('a 会')).to.equal('会');
  });

  const alphabet = fc.constantFrom(...('ab AB会议室 室.👍é\u0301ßsS𠮷'.match(/./gu) ?? []));
  const text = fc.array(alphabet, { maxLength: 30 }).map((characters) => characters.join(''));

  it('proposes by its terms whatever it finds', () => {
    fc.assert(
      fc.property(text, text, (query, said) => {
        const parsed = parseQuery(query);
        if (!parsed || !isFoundBy(parsed, said)) return;
        expect(termsOf(said)).to.include.members(termsOfQuery(parsed));
      }),
      { numRuns: 3000 },
    );
  });

  it('finds every text by itself and by each of its words', () => {
    fc.assert(
      fc.property(text, (said) => {
        if (parseQuery(said)) expect(finds(said, said)).to.equal(true);
        for (const part of said.split(' ')) if (parseQuery(part)) expect(finds(part, said)).to.equal(true);
      }),
      { numRuns: 3000 },
    );
  });
});
