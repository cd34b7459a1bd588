import { expect } from 'chai';
import fc from 'fast-check';
import { type CodePage, codePage, goneCodePage } from '../../src/features/qr-codes/code-page.ts';

const ann: CodePage = {
  url: 'https://chat.example.com/q/3fQk9aXw',
  title: 'Ann',
  memberCount: null,
  imageUrl: 'https://chat.example.com/avatars/a1b2',
  locale: 'en',
};
const locales = ['en', 'zh'] as const;
const nasty = [
  '<script>alert(1)</script>',
  '"onload="alert(1)',
  "'><img src=x onerror=alert(1)>",
  '</title></style></main><b>&amp;',
  '-->]]>$<name>$&$1',
];

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };
const unescaped = (html: string) => html.replace(/&(#?\w+);/g, (_, name: string) => entities[name] ?? '');

const tags = (html: string) => html.replace(/<style>.*<\/style>/s, '').match(/<[^>]*>/g) ?? [];

/** The document's elements and attributes, without what they say. */
const shapeOf = (html: string) => tags(html).map((tag) => tag.replace(/"[^"]*"/g, '""'));

function metaOf(html: string): Record<string, string> {
  const found = html.matchAll(/<meta (?:name|property)="([^"]*)" content="([^"]*)">/g);
  return Object.fromEntries(Array.from(found, ([, name = '', content = '']) => [name, unescaped(content)]));
}

const textOf = (html: string, element: string) =>
  unescaped(new RegExp(`<${element}[^>]*>([^<]*)</${element}>`).exec(html)?.[1] ?? '');

/** Contrast of white text on a colour, as WCAG 2 computes it. */
function contrastWithWhite(hue: number, saturation: number, lightness: number): number {
  const channel = (n: number) => {
    const k = (n + hue / 30) % 12;
    const value =
      lightness - saturation * Math.min(lightness, 1 - lightness) * Math.max(-1, Math.min(k - 3, 9 - k, 1));
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return 1.05 / (0.2126 * channel(0) + 0.7152 * channel(8) + 0.0722 * channel(4) + 0.05);
}

describe('rules: the page of a code', () => {
  it('shows the name and the avatar and tells previewers the same', () => {
    const html = codePage(ann);
    expect(textOf(html, 'h1')).to.equal('Ann');
    expect(textOf(html, 'title')).to.equal('Ann');
    expect(html).to.include(`<img class="avatar" src="${ann.imageUrl}" alt="">`);
    expect(metaOf(html)).to.include({
      robots: 'noindex',
      'og:title': 'Ann',
      'og:image': 'https://chat.example.com/avatars/a1b2',
      'og:url': ann.url,
      'og:type': 'profile',
    });
  });

  it('of a group says how many are in it, in forms of the language, to people and previewers alike', () => {
    for (const [locale, memberCount, told, invitation] of [
      ['en', 1, '1 member', 'join <bdi>Hikers</bdi>'],
      ['en', 2, '2 members', 'join <bdi>Hikers</bdi>'],
      ['en', 1234, '1,234 members', 'join <bdi>Hikers</bdi>'],
      ['zh', 1, '1 位成员', '加入<bdi>Hikers</bdi>'],
      ['zh', 1234, '1,234 位成员', '加入<bdi>Hikers</bdi>'],
    ] as const) {
      const html = codePage({ ...ann, title: 'Hikers', memberCount, locale });
      expect(html).to.include(`<p>${told}</p>`).and.include(invitation);
      expect(metaOf(html)).to.include({
        description: told,
        'og:title': 'Hikers',
        'og:description': told,
        'og:type': 'website',
      });
    }
    expect(metaOf(codePage(ann))).to.not.have.any.keys('description', 'og:description');
  });

  it('speaks English and Chinese and says which', () => {
    expect(codePage(ann))
      .to.include('<html lang="en">')
      .and.include('Scan this with the app or add <bdi>Ann</bdi>');
    const zh = codePage({ ...ann, title: '张伟', locale: 'zh' });
    expect(zh).to.include('<html lang="zh-CN">').and.include('添加<bdi>张伟</bdi>');
    expect(metaOf(zh)['og:locale']).to.equal('zh_CN');
    expect(goneCodePage({ locale: 'en' })).to.include('does not work any more');
    expect(goneCodePage({ locale: 'zh' })).to.include('此二维码已失效');
  });

  it('draws the initial where there is no avatar', () => {
    const initials: [title: string, initial: string][] = [
      ['ann', 'A'],
      [' 张伟', '张'],
      ['👩‍🚀 Ann', '👩‍🚀'],
      ['<b>', '<'],
      ['', '?'],
    ];
    for (const [title, initial] of initials) {
      const html = codePage({ ...ann, title, imageUrl: null });
      expect(html).to.not.include('<img');
      expect(metaOf(html)).to.not.have.property('og:image');
      expect(textOf(html, 'div')).to.equal(initial);
    }
  });

  it('draws it readably, whatever colour the name has', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (title) => {
        const html = codePage({ ...ann, title, imageUrl: null });
        const [, hue, saturation, lightness] = /hsl\((\d+) (\d+)% (\d+)%\)/.exec(html) ?? [];
        const contrast = contrastWithWhite(Number(hue), Number(saturation) / 100, Number(lightness) / 100);
        expect(contrast).to.be.at.least(4.5);
      }),
    );
  });

  it('has a button only where there is an app to open', () => {
    expect(codePage(ann)).to.not.include('class="button"');
    for (const appUrl of ['https://app.example.com/add?code=1&x=2', 'parley://add/3fQk9aXw']) {
      const href = /class="button" href="([^"]*)"/.exec(codePage({ ...ann, appUrl }))?.[1];
      expect(unescaped(href ?? '')).to.equal(appUrl);
    }
  });

  it('leaves out addresses that would run something, and resolves those of its own server', () => {
    for (const address of [
      'javascript:alert(1)',
      ' JaVaScRiPt:alert(1)',
      'java\nscript:alert(1)',
      'vbscript:x',
    ]) {
      const html = codePage({ ...ann, url: address, imageUrl: address, appUrl: address });
      expect(html).to.not.include('href=').and.not.include('src=');
    }
    expect(codePage({ ...ann, appUrl: 'data:text/html,x' })).to.not.include('class="button"');
    expect(codePage({ ...ann, imageUrl: 'data:text/html,x' })).to.not.include('<img');
    expect(metaOf(codePage({ ...ann, imageUrl: '/avatars/a1' }))['og:image']).to.equal(
      'https://chat.example.com/avatars/a1',
    );
    const inline = codePage({ ...ann, imageUrl: 'data:image/png;base64,AA==' });
    expect(inline).to.include('src="data:image/png;base64,AA=="');
    expect(metaOf(inline)).to.not.have.property('og:image');
  });

  it('shows any text as that text and nothing else', () => {
    const text = fc.oneof(
      fc.constantFrom(...nasty),
      fc.string({ minLength: 1 }),
      fc.string({ unit: fc.constantFrom(...'<>"\'&/=;-!$', 'script', 'onload', ' '), minLength: 1 }),
    );
    fc.assert(
      fc.property(text, text, fc.constantFrom(...locales), (title, address, locale) => {
        const page: CodePage = { ...ann, title, locale };
        const html = codePage(page);
        expect(shapeOf(html)).to.deep.equal(shapeOf(codePage({ ...ann, locale })));
        expect(textOf(html, 'h1')).to.equal(title);
        expect(metaOf(html)).to.include({ 'og:title': title });
        expect(codePage({ ...page, url: title, imageUrl: address, appUrl: title })).to.not.match(
          /<script|<[^>"]*("[^"]*"[^>"]*)* on\w+=/i,
        );
      }),
    );
  });

  it('lives under a policy without scripts: styles inline, nothing fetched but the avatar', () => {
    for (const locale of locales) {
      const pages = [codePage({ ...ann, locale, appUrl: 'parley://x' }), goneCodePage({ locale })];
      for (const html of pages) {
        expect(html).to.match(/^<!doctype html>\n<html lang="[\w-]+">\n<head>\n<meta charset="utf-8">/);
        expect(html).to.not.match(/<(script|link|iframe|object|form|base)\b|@import|url\(|<[^>]* on\w+=/i);
        expect(html).to.include('name="viewport"');
        expect(metaOf(html).robots).to.equal('noindex');
        const opened = tags(html).filter((tag) => !/^<(!|\/|meta|img|br)/.test(tag));
        expect(opened).to.have.length(tags(html).filter((tag) => tag.startsWith('</')).length);
      }
    }
  });
});
