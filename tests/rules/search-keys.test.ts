import { expect } from 'chai';
import fc from 'fast-check';
import { searchKeysOf, searchPrefixOf } from '../../src/features/users/search-keys.ts';

const isFound = (nickname: string, query: string): boolean => {
  const prefix = searchPrefixOf(query);
  return prefix !== '' && searchKeysOf(nickname).some((key) => key.startsWith(prefix));
};

const keysOf: [nickname: string, keys: string[]][] = [
  ['张伟', ['张伟', 'zhangwei', 'zw']],
  ['欧阳娜娜', ['欧阳娜娜', 'ouyangnana', 'oynn']],
  ['龍馬', ['龍馬', 'longma', 'lm']],
  ['佐々木', ['佐々木', 'zuozuomu', 'zzm']],
  // surnames that read otherwise
  ['单雄信', ['单雄信', 'shanxiongxin', 'sxx', 'danxiongxin', 'dxx']],
  ['单单', ['单单', 'shandan', 'sd', 'dandan', 'dd']],
  ['尉迟恭', ['尉迟恭', 'yuchigong', 'ycg', 'weichigong', 'wcg']],
  ['朴树', ['朴树', 'piaoshu', 'ps', 'pushu']],
  // ü
  ['吕', ['吕', 'lv', 'lu', 'l']],
  ['绿女', ['绿女', 'lvnv', 'lunu', 'ln']],
  // the name's own letters stay
  ['小明Tom', ['小明tom', 'xiaomingtom', 'xmtom']],
  ['Tom小明', ['tom小明', 'tomxiaoming', 'tomxm']],
  ['吕VIP', ['吕vip', 'lvvip', 'luvip', 'lvip']],
  ['张 伟', ['张伟', 'zhangwei', 'zw']],
  ['👍张', ['👍张', '👍zhang', '👍z']],
  // what has no reading stays too
  ['𠮷野', ['𠮷野', '𠮷ye', '𠮷y']],
  ['Ｔｏｍ  Lee', ['tomlee']],
  ["O'Brien", ['obrien']],
  ['.*', ['.*']],
  ['', []],
  ['  ', []],
];

const finds: [query: string, nickname: string, isFound: boolean][] = [
  ['zhang wei', '张伟', true],
  ["zhang'w", '张伟', true],
  ['ZHANGWEI', '张伟', true],
  ['zw', '张伟', true],
  ['z', '张伟', true],
  ['张', '张伟', true],
  ['伟', '张伟', false],
  ['wei', '张伟', false],
  ['zhw', '张伟', false],
  ['lv bu', '吕布', true],
  ['lubu', '吕布', true],
  ['lü', '吕布', true],
  ['Xi’an', '西安', true],
  ['tom l', 'Tom Lee', true],
  ['toml', 'Tom Lee', true],
  ['lee', 'Tom Lee', false],
  ['jose', 'José', true],
  ['기', '김', true],
  ['ＴＯＭ', 'tom', true],
  ['ΟΔΥΣΣΕΥΣ', 'Οδυσσεύς', false],
  ['Οδυσσεύς', 'ΟΔΥΣΣΕΎΣ', true],
  ['.*', 'Tom', false],
  ['^t', 'Tom', false],
  [' ', 'Tom', false],
  ['', 'Tom', false],
];

/** Names as people have them and as nobody has them. */
const nickname = fc.oneof(
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 32 }),
  fc.string({
    unit: fc.constantFrom(
      ..."单吕曾行张乐女Aaüév \u3000'’.*¨Σςㄱㅏがｶﾞİẞ",
      '𠮷',
      '👍🏽',
      '\u{10FFFF}',
      '\uD800',
    ),
    minLength: 1,
    maxLength: 40,
  }),
);

/** What a person has typed when they pause: whole characters. */
function prefixesOf(text: string): string[] {
  const ends = Array.from(new Intl.Segmenter().segment(text), ({ index, segment }) => index + segment.length);
  return ends.map((end) => text.slice(0, end)).filter((prefix) => searchPrefixOf(prefix) !== '');
}

describe('rules: under which keys a nickname is found', () => {
  for (const [name, keys] of keysOf) {
    it(`of ${JSON.stringify(name)} are ${keys.join(', ') || 'none'}`, () => {
      expect(searchKeysOf(name)).to.deep.equal(keys);
    });
  }

  for (const [query, name, expected] of finds) {
    it(`${JSON.stringify(query)} ${expected ? 'finds' : 'does not find'} ${name}`, () => {
      expect(isFound(name, query)).to.equal(expected);
    });
  }

  it('finds any nickname by any beginning of it', () => {
    fc.assert(
      fc.property(nickname, (name) => {
        for (const prefix of prefixesOf(name)) expect(isFound(name, prefix), prefix).to.equal(true);
      }),
      { numRuns: 500 },
    );
  });

  it('finds any nickname however it is composed, and by each of its keys', () => {
    fc.assert(
      fc.property(nickname, (name) => {
        if (searchPrefixOf(name) === '') return;
        const forms = [name.normalize('NFKC'), name.normalize('NFD'), searchPrefixOf(name)];
        for (const query of [...forms, ...searchKeysOf(name)]) {
          expect(isFound(name, query), query).to.equal(true);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('are few, short, distinct and well-formed', () => {
    const long = fc.string({
      unit: fc.constantFrom('单', '张', 'ﷺ', '𠮷', 'a'),
      minLength: 30,
      maxLength: 80,
    });
    fc.assert(
      fc.property(fc.oneof(nickname, long), (name) => {
        const keys = searchKeysOf(name);
        expect(keys.length).to.be.at.most(7);
        expect(new Set(keys).size).to.equal(keys.length);
        for (const key of keys) {
          expect(key.length).to.be.within(1, 64);
          expect(key.isWellFormed()).to.equal(true);
        }
      }),
      { numRuns: 500 },
    );
  });
});
