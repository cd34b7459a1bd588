import { pinyin } from 'pinyin-pro';

/** In UTF-16 code units; longer keys and queries are cut, both at the same place. */
const maxKeyLength = 64;

/** Blanks and apostrophes after a letter or digit: what people put into "zhang wei" and "xi'an", or leave out. */
const gaps = /(?<=[\p{L}\p{M}\p{N}])[\s'’‘`]+(?!\p{M})/gu;

type Spelling = (syllable: string) => string;

/** How one syllable may be typed: 吕 as `lv` or, by those who have no ü in mind, `lu`; and by its first letter. */
const spellings: readonly Spelling[] = [
  (syllable) => syllable,
  (syllable) => syllable.replace('v', 'u'),
  (syllable) => syllable.slice(0, 1),
];

/**
 * The distinct keys under which a nickname is found by prefix: 1 to 7 of at most 64 characters, none if it is blank.
 *
 * The first is the nickname itself, the others are its pinyin, if it has Han characters: in full without tones, ü as
 * `v` and as `u`, and the initials. 单雄信 is read both as a surname and as it reads elsewhere: `shanxiongxin`, `sxx`,
 * `danxiongxin`, `dxx`. What is not Han stays as it is: 小明Tom is `xiaomingtom` and `xmtom`.
 *
 * Keys and queries are written alike, by `searchPrefixOf`.
 */
export function searchKeysOf(nickname: string): string[] {
  const name = searchPrefixOf(nickname);
  const keys = [name, ...pinyinOf(name).map(searchPrefixOf)];
  return [...new Set(keys)].filter((key) => key !== '');
}

/**
 * The prefix that keys have to begin with for a query to find them; empty, and to be answered with nobody, if the query
 * is blank.
 *
 * Compatibility forms and case mean nothing. Characters are decomposed (NFKD), so that what is typed up to now finds
 * what it will become: `jose` finds José, 기 finds 김. Blanks and apostrophes after a letter or digit mean nothing in any
 * script: `zhang wei`, `zhangwei` and `zhang'wei` find 张伟, `tom l` and `toml` find Tom Lee. `lü` is `lv`, `nü` is `nv`.
 */
export function searchPrefixOf(query: string): string {
  const text = query
    .toWellFormed()
    .normalize('NFKD')
    .toLowerCase()
    // lower case writes a sigma by what follows it, which a prefix cannot know
    .replaceAll('ς', 'σ')
    .replace(/(?<=[ln])u\u0308/g, 'v')
    .replace(/\s+/g, ' ')
    .trim()
    .replace(gaps, '');
  return cut(text);
}

function pinyinOf(name: string): string[] {
  if (!/\p{Script=Han}/u.test(name)) return [];
  const readings = (['head', 'off'] as const).map((surname) =>
    pinyin(name, { type: 'all', toneType: 'none', v: true, surname }),
  );
  return readings.flatMap((characters) =>
    spellings.map((spell) =>
      characters.map(({ isZh, origin, result }) => (isZh ? spell(result) : origin)).join(''),
    ),
  );
}

/** Never through the middle of a character outside the basic plane. */
function cut(text: string): string {
  const isSplit = /[\uD800-\uDBFF]/.test(text.charAt(maxKeyLength - 1));
  return text.slice(0, isSplit ? maxKeyLength - 1 : maxKeyLength).trimEnd();
}
