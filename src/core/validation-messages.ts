import { z } from 'zod';
import type { Locale, Text } from './errors.ts';

type ErrorMap = z.core.$ZodErrorMap;

function messagesIn(locale: Locale, standard: ErrorMap): ErrorMap {
  return (issue) => {
    const own = issue.code === 'custom' ? (issue.params as Partial<Text> | undefined)?.[locale] : undefined;
    return own ?? standard(issue);
  };
}

/** zod's messages in each language; a check of our own brings its text in `params` (see `check`). */
export const validationMessages: Record<Locale, ErrorMap> = {
  en: messagesIn('en', z.locales.en().localeError),
  zh: messagesIn('zh', z.locales.zhCN().localeError),
};

/** Parameters of a zod `refine` whose message is told in the caller's language. */
export function told(text: Text): { params: Record<string, string> } {
  return { params: { ...text } };
}
