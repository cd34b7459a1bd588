/** Stands for whatever a text may hold that has more terms than are kept: it is looked at in every search. */
export const anyTerm = '*';

/** Bounds what one message can cost the index: about 1,200 Chinese characters, or any English text of 4,000. */
const mostTerms = 1000;
const mostTermCharacters = 64;

/** What a query asks for, all of it. */
export interface SearchQuery {
  /** Whole words. */
  words: readonly string[];
  /** Runs of characters of scripts without spaces between words, found anywhere. */
  parts: readonly string[];
}

const ignorable = /\p{Default_Ignorable_Code_Point}/gu;
/** Scripts that are written without spaces between words, or join their particles to them. */
const unspaced = ['Han', 'Hira', 'Kana', 'Bopo', 'Hang', 'Yiii', 'Thai', 'Laoo', 'Khmr', 'Mymr', 'Tibt']
  .map((script) => `\\p{scx=${script}}`)
  .join('');
const pictograph = '\\p{Extended_Pictographic}\\p{Emoji_Modifier}\\p{Regional_Indicator}';
const pieces = new RegExp(
  `(?<run>(?:(?=[\\p{L}\\p{N}\\p{M}])[${unspaced}]|[${pictograph}])+)` +
    `|(?<word>(?![${unspaced}])[\\p{L}\\p{N}](?:(?![${unspaced}])[\\p{L}\\p{N}\\p{M}])*)`,
  'gu',
);

/** The part of a message that is searched: its text, or the name of what it carries. */
export function searchableText(contentType: string, content: unknown): string {
  switch (contentType) {
    case 'text':
      return typeof content === 'string' ? content : '';
    case 'image':
    case 'file':
    case 'audio':
    case 'video':
    case 'location':
      return nameOf(content);
    default:
      return '';
  }
}

function nameOf(content: unknown): string {
  const { name } = (content ?? {}) as { name?: unknown };
  return typeof name === 'string' ? name : '';
}

/** What an index finds a text by: its words, and the characters and pairs of characters of unspaced scripts. */
export function termsOf(text: string): string[] {
  const { words, runs } = split(text);
  const terms = new Set([...words].map(toTerm));
  for (const run of runs) {
    let before = '';
    for (const character of run) {
      terms.add(character).add(before + character);
      before = character;
      if (terms.size > mostTerms) return [anyTerm];
    }
  }
  return terms.size > mostTerms ? [anyTerm] : [...terms];
}

/** Reads what somebody typed. `null` if it has nothing that can be found: no letter, digit or emoji. */
export function parseQuery(text: string): SearchQuery | null {
  const { words, runs } = split(text);
  return words.size + runs.length > 0 ? { words: [...words], parts: [...new Set(runs)] } : null;
}

/** The terms that every text has which the query finds, the one that seems rarest first. */
export function termsOfQuery({ words, parts }: SearchQuery): string[] {
  const terms = [...new Set([...words.map(toTerm), ...parts.flatMap(pairsOf)])];
  return terms.sort((one, other) => rarityOf(other) - rarityOf(one));
}

/** Whether a text is what the query asks for; the index only proposes. */
export function isFoundBy({ words, parts }: SearchQuery, text: string): boolean {
  const found = split(text);
  return (
    words.every((word) => found.words.has(word)) &&
    parts.every((part) => found.runs.some((run) => run.includes(part)))
  );
}

/** Upper case is the same for all forms of a letter (`ß`, `ẞ` and `SS`; `σ` and `ς`), lower case is not. */
function fold(text: string): string {
  return text.replace(ignorable, '').normalize('NFKC').toLowerCase().toUpperCase();
}

function split(text: string): { words: Set<string>; runs: string[] } {
  const words = new Set<string>();
  const runs: string[] = [];
  for (const { groups } of fold(text).matchAll(pieces)) {
    if (groups?.word !== undefined) words.add(groups.word);
    else if (groups?.run !== undefined) runs.push(groups.run);
  }
  return { words, runs };
}

function toTerm(word: string): string {
  return word.length <= mostTermCharacters ? word : [...word].slice(0, mostTermCharacters).join('');
}

function pairsOf(run: string): string[] {
  const characters = [...run];
  if (characters.length === 1) return characters;
  return characters.slice(1).map((character, index) => `${characters[index]}${character}`);
}

/** A pair of Chinese characters tells about as much as a word of six letters. */
const lettersPerCharacter = 3;

function rarityOf(term: string): number {
  return isRun(term) ? lettersPerCharacter * [...term].length : term.length;
}

const runStart = new RegExp(`^[${unspaced}${pictograph}]`, 'u');
const isRun = (term: string) => runStart.test(term);
