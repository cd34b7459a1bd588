import type { Locale } from '../../core/errors.ts';
import { escapeHtml } from '../../core/html.ts';

export interface CodePage {
  /** The address of the page itself, which is what the code says. */
  url: string;
  /** The name of the person or group. */
  title: string;
  /** How many are in the group; `null` for a person. */
  memberCount: number | null;
  /** The avatar: an absolute address, or one on the page's own server. */
  imageUrl: string | null;
  locale: Locale;
  /** Where the app takes over; without it, there is no button. */
  appUrl?: string | undefined;
}

interface Wording {
  language: string;
  ogLocale: string;
  add: (name: string) => string;
  join: (name: string) => string;
  members: (count: number) => string;
  open: string;
  gone: string;
  askAgain: string;
}

const wordings: Record<Locale, Wording> = {
  en: {
    language: 'en',
    ogLocale: 'en_US',
    add: (name) => `Scan this with the app or add ${name} by this link:`,
    join: (name) => `Scan this with the app or join ${name} by this link:`,
    members: (count) => `${count.toLocaleString('en')} ${count === 1 ? 'member' : 'members'}`,
    open: 'Open in the app',
    gone: 'This code does not work any more',
    askAgain: 'It was renewed, has expired or never was. Ask for a new one.',
  },
  zh: {
    language: 'zh-CN',
    ogLocale: 'zh_CN',
    add: (name) => `用应用扫一扫，或通过此链接添加${name}：`,
    join: (name) => `用应用扫一扫，或通过此链接加入${name}：`,
    members: (count) => `${count.toLocaleString('zh')} 位成员`,
    open: '在应用中打开',
    gone: '此二维码已失效',
    askAgain: '它可能已被更换、已过期或不存在，请向对方索取新的二维码。',
  },
};

const style = `
:root{color-scheme:light dark;--back:#f3f5f8;--card:#fff;--text:#16202c;--quiet:#556270;--link:#0b5cad}
@media(prefers-color-scheme:dark){:root{--back:#10151b;--card:#1b232c;--text:#edf1f5;--quiet:#a5b1be;--link:#7cb8ff}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;min-height:100svh;display:grid;place-items:center;padding:16px;background:var(--back);
color:var(--text);font:16px/1.5 system-ui,"PingFang SC","Microsoft YaHei","Noto Sans CJK SC",sans-serif}
main{width:100%;max-width:360px;padding:32px 24px;border-radius:20px;background:var(--card);text-align:center;
overflow-wrap:anywhere;box-shadow:0 8px 32px rgb(0 0 0/.08)}
.avatar{display:grid;place-items:center;width:96px;height:96px;margin:0 auto 16px;border-radius:50%;object-fit:cover;
color:#fff;font-size:40px;font-weight:600}
h1{margin:0;font-size:24px;line-height:1.3}
p{margin:12px 0 0;color:var(--quiet)}
a{color:var(--link)}
a:focus-visible{outline:3px solid var(--link);outline-offset:3px}
.button{display:block;margin-top:24px;padding:12px 16px;border-radius:12px;background:#0b5cad;color:#fff;font-weight:600;
text-decoration:none}
`;

/**
 * The public page of a person's or group's code: name, avatar and how many members, which is all that a code tells to who
 * has no account.
 * A complete HTML document without scripts, which lives under `default-src 'none'; img-src 'self' https: http: data:;
 * style-src 'unsafe-inline'`. Addresses that are neither web nor data images are left out.
 */
export function codePage({ url, title, memberCount, imageUrl, locale, appUrl }: CodePage): string {
  const wording = wordings[locale];
  const description = memberCount === null ? '' : wording.members(memberCount);
  const image = imageUrl === null ? null : imageAddress(imageUrl, url);
  const app = appUrl === undefined ? null : appAddress(appUrl);
  const name = `<bdi>${escapeHtml(title)}</bdi>`;
  const meta = [
    metaTag('name', 'description', description),
    metaTag('property', 'og:type', memberCount === null ? 'profile' : 'website'),
    metaTag('property', 'og:title', title),
    metaTag('property', 'og:description', description),
    metaTag('property', 'og:url', url),
    metaTag('property', 'og:locale', wording.ogLocale),
    // previewers fetch what they show, so that they take no data images
    image === null || image.startsWith('data:') ? '' : metaTag('property', 'og:image', image),
  ];
  const body = [
    image === null ? initialOf(title) : `<img class="avatar" src="${escapeHtml(image)}" alt="">`,
    `<h1 dir="auto">${escapeHtml(title)}</h1>`,
    description === '' ? '' : `<p>${escapeHtml(description)}</p>`,
    app === null ? '' : `<a class="button" href="${escapeHtml(app)}">${wording.open}</a>`,
    `<p>${memberCount === null ? wording.add(name) : wording.join(name)}<br>${linkTo(url)}</p>`,
  ];
  return documentOf({ wording, title, meta, body });
}

/** The page of a code that leads nowhere; it says the same whatever the reason. */
export function goneCodePage({ locale }: { locale: Locale }): string {
  const wording = wordings[locale];
  const body = [`<h1>${wording.gone}</h1>`, `<p>${wording.askAgain}</p>`];
  return documentOf({ wording, title: wording.gone, meta: [], body });
}

interface Parts {
  wording: Wording;
  /** Plain text. */
  title: string;
  /** HTML, as is `body`. */
  meta: string[];
  body: string[];
}

function documentOf({ wording, title, meta, body }: Parts): string {
  const lines = [
    '<!doctype html>',
    `<html lang="${wording.language}">`,
    '<head>',
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width,initial-scale=1">',
    metaTag('name', 'robots', 'noindex'),
    // the page's address is the code, which is not for the servers of avatars
    metaTag('name', 'referrer', 'no-referrer'),
    `<title>${escapeHtml(title)}</title>`,
    ...meta,
    `<style>${style}</style>`,
    '</head>',
    '<body>',
    '<main>',
    ...body,
    '</main>',
    '</body>',
    '</html>',
  ];
  return `${lines.filter((line) => line !== '').join('\n')}\n`;
}

function metaTag(kind: 'name' | 'property', name: string, content: string): string {
  return content === '' ? '' : `<meta ${kind}="${name}" content="${escapeHtml(content)}">`;
}

function linkTo(url: string): string {
  const text = escapeHtml(url);
  return isWeb(addressOf(url)) ? `<a href="${text}">${text}</a>` : text;
}

/** The first letter in a circle whose colour is the name's own, always dark enough for white. */
function initialOf(name: string): string {
  const [first] = new Intl.Segmenter().segment(name.trim());
  const hue = Array.from(name).reduce((sum, letter) => (sum * 31 + (letter.codePointAt(0) ?? 0)) % 360, 0);
  const letter = escapeHtml(first?.segment.toUpperCase() ?? '?');
  return `<div class="avatar" style="background:hsl(${hue} 55% 30%)" aria-hidden="true">${letter}</div>`;
}

function imageAddress(imageUrl: string, pageUrl: string): string | null {
  const address = addressOf(imageUrl, pageUrl);
  const isImage = isWeb(address) || address?.href.startsWith('data:image/');
  return address && isImage ? address.href : null;
}

/** An app's own scheme is fine; those that run or show what the address says are not. */
function appAddress(appUrl: string): string | null {
  const address = addressOf(appUrl);
  return address && !['javascript:', 'data:', 'vbscript:', 'blob:', 'file:'].includes(address.protocol)
    ? address.href
    : null;
}

function isWeb(address: URL | null): boolean {
  return address?.protocol === 'https:' || address?.protocol === 'http:';
}

function addressOf(url: string, base?: string): URL | null {
  return URL.canParse(url, base) ? new URL(url, base) : null;
}
