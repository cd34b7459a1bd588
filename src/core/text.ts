import { z } from 'zod';
import { told } from './validation-messages.ts';

/** Emoji are made with joiners, selectors and tags; every other invisible or formatting character hides something. */
const invisible =
  /[\p{Cc}\p{Zl}\p{Zp}\u2800]|(?![\u200D\uFE0F\u{E0020}-\u{E007F}])[\p{Cf}\p{Default_Ignorable_Code_Point}]/u;
/** A joiner is part of an emoji such as 👩‍🚀 and otherwise only hides. */
const strayJoiner =
  /(?<!\p{Extended_Pictographic}|\p{Emoji_Modifier}|\uFE0F)\u200D|\u200D(?!\p{Extended_Pictographic})/u;

/** Selects the look of an emoji; after anything else, and in text, it is invisible. */
const straySelector = /(?<!\p{Extended_Pictographic}|\p{Emoji_Modifier}|[\d#*](?=\uFE0F\u20E3))\uFE0F/u;
/** Tags spell a region behind a black flag, as in 🏴󠁧󠁢󠁥󠁮󠁧󠁿, and are invisible elsewhere. */
const strayTag = /(?<![\u{1F3F4}\u{E0020}-\u{E007E}])[\u{E0020}-\u{E007F}]|\p{Noncharacter_Code_Point}/u;

const hiding = [invisible, strayJoiner, straySelector, strayTag];
const hidingAnywhere = hiding.map(({ source }) => new RegExp(source, 'gu'));
/** Seen wherever it stands. */
const visible = /(?![\u2800\p{Default_Ignorable_Code_Point}])[\p{L}\p{N}\p{P}\p{S}]/u;

/** Whether a text has no characters that let one name pass for another or turn the text around them. */
function isUnambiguous(text: string): boolean {
  return !hiding.some((pattern) => pattern.test(text));
}

/** A text without what hides in it or turns it around. */
export function withoutInvisible(text: string): string {
  return hidingAnywhere.reduce((left, pattern) => left.replace(pattern, ''), text.toWellFormed());
}

/** Whether nothing of a text is seen. */
export function isBlank(text: string): boolean {
  // nearly every text begins with something that is seen, and this is asked of every message
  return !visible.test(text) && withoutInvisible(text).trim() === '';
}

/** A name or a line about oneself: trimmed, bounded, nothing invisible in it. HTML is kept verbatim. */
export function shortText({ min = 0, max }: { min?: number; max: number }) {
  return z
    .string()
    .trim()
    .min(min)
    .max(max)
    .refine(
      isUnambiguous,
      told({ en: 'Control and invisible characters are not taken', zh: '不能包含控制字符或不可见字符' }),
    );
}
