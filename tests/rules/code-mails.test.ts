import { expect } from 'chai';
import type { Locale } from '../../src/core/errors.ts';
import { codeMail, type Notice, noticeMail } from '../../src/features/codes/code-mails.ts';
import { codePurposes } from '../../src/features/codes/codes.contract.ts';

const locales: Locale[] = ['en', 'zh'];
const notices: Notice[] = ['email_changed', 'phone_changed', 'password_changed', 'account_deleted'];
const at = new Date('2031-02-03T04:05:59.999Z');
const languageTags = { en: 'en', zh: 'zh-Hans' };
const chinese = /\p{Script=Han}/u;

/** Nothing is fetched when the mail is opened: that would tell a stranger who read it and when. */
const external = /https?:|\b(?:src|href)=|url\(|<(?:script|link|img|iframe)/i;

describe('rules: mails with a code', () => {
  for (const purpose of codePurposes) {
    for (const locale of locales) {
      it(`${purpose} in ${locale}: code and minutes in both bodies, neither code nor line break in the subject`, () => {
        const { subject, text, html } = codeMail({ code: '407193', purpose, locale, ttlSeconds: 600 });
        const minutes = { en: '10 minutes', zh: '10 分钟' }[locale];
        expect(text.split('\n')).to.include('407193');
        expect(text).to.include(minutes);
        expect(html).to.include('>407193</p>').and.include(minutes);
        expect(html).to.include(`<html lang="${languageTags[locale]}">`).and.include('<title>');
        expect(html).not.to.match(external);
        expect(text).to.include({ en: 'Never pass it on', zh: '请勿将验证码告诉任何人' }[locale]);
        expect(subject)
          .to.match(/^[^\p{Cc}]{5,100}$/u)
          .and.not.include('407193');
      });
    }
  }

  it('say a different thing for each purpose, and English and Chinese differ', () => {
    const mails = locales.map((locale) =>
      codePurposes.map((purpose) => codeMail({ code: '407193', purpose, locale, ttlSeconds: 600 })),
    );
    for (const part of ['subject', 'text', 'html'] as const) {
      const parts = mails.flat().map((mail) => mail[part]);
      expect(new Set(parts).size).to.equal(2 * codePurposes.length);
      expect(parts.map((words) => chinese.test(words))).to.deep.equal([
        ...codePurposes.map(() => false),
        ...codePurposes.map(() => true),
      ]);
    }
  });

  it('never promise more time than the code has', () => {
    const textOf = (ttlSeconds: number) =>
      codeMail({ code: '407193', purpose: 'login', locale: 'en', ttlSeconds }).text;
    expect(textOf(119)).to.include('for 1 minute.');
    expect(textOf(300)).to.include('for 5 minutes.');
    expect(textOf(20)).to.include('for 1 minute.');
  });

  it('escape what they are given', () => {
    const code = `<b a="1" c='2'>&</b>`;
    for (const locale of locales) {
      const { html, text } = codeMail({ code, purpose: 'login', locale, ttlSeconds: 600 });
      expect(html)
        .to.include('&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;&lt;/b&gt;')
        .and.not.include('<b a');
      expect(text).to.include(code);
    }
  });
});

describe('rules: mails that tell of a change', () => {
  for (const notice of notices) {
    for (const locale of locales) {
      it(`${notice} in ${locale}: when it happened in UTC, and what to do`, () => {
        const { subject, text, html } = noticeMail({ notice, locale, at });
        const remedy = { en: 'If it was not you, ', zh: '如果这不是您本人的操作，请' }[locale];
        for (const body of [text, html]) {
          expect(body).to.include('2031-02-03 04:05').and.include('UTC').and.include(remedy);
        }
        expect(html).to.include(`<html lang="${languageTags[locale]}">`).and.not.match(external);
        expect([subject, text, html].map((words) => chinese.test(words))).to.deep.equal(
          Array(3).fill(locale === 'zh'),
        );
      });
    }
  }

  it('say a different thing for each change', () => {
    const texts = locales.flatMap((locale) =>
      notices.map((notice) => noticeMail({ notice, locale, at }).text),
    );
    expect(new Set(texts).size).to.equal(texts.length);
  });
});
