import type { Locale, Text } from '../../core/errors.ts';
import { escapeHtml } from '../../core/html.ts';
import type { Mail } from '../../core/outbound.ts';
import type { CodePurpose } from './codes.contract.ts';

type MailContent = Omit<Mail, 'to'>;

/** What the holder of an address is told of after it was done. */
export type Notice = 'email_changed' | 'phone_changed' | 'password_changed' | 'account_deleted';

interface CodeMail {
  code: string;
  purpose: CodePurpose;
  locale: Locale;
  ttlSeconds: number;
}

/** What the code does: ends “Use this code to …” in English, “您正在…” in Chinese. */
const actions: Record<CodePurpose, Text> = {
  login: { en: 'log in to Parley', zh: '登录 Parley' },
  reset_password: { en: 'reset your Parley password', zh: '重置 Parley 密码' },
  verify_email: { en: 'confirm your e-mail address for Parley', zh: '验证 Parley 账号的邮箱' },
  change_email: { en: 'change the e-mail address of your Parley account', zh: '更换 Parley 账号的邮箱' },
  change_phone: { en: 'change the phone number of your Parley account', zh: '更换 Parley 账号的手机号' },
  change_password: { en: 'change your Parley password', zh: '修改 Parley 密码' },
  delete_account: { en: 'delete your Parley account for good', zh: '永久注销 Parley 账号' },
};

/** The mail that carries a code. The code is not in its subject, which locked screens show. */
export function codeMail({ code, purpose, locale, ttlSeconds }: CodeMail): MailContent {
  const minutes = Math.max(1, Math.floor(ttlSeconds / 60));
  const action = actions[purpose];
  const isOne = minutes === 1;
  const content = {
    en: {
      subject: `Your code to ${action.en}`,
      before: [`Use this code to ${action.en}:`],
      after: [
        `It is good for ${minutes} ${isOne ? 'minute' : 'minutes'}. Never pass it on, whoever asks for it.`,
        'If you did not ask for it, you can ignore this mail: without the code nothing happens.',
      ],
    },
    zh: {
      subject: `验证码：${action.zh}`,
      before: [`您正在${action.zh}，验证码为：`],
      after: [
        `验证码 ${minutes} 分钟内有效。无论对方是谁，请勿将验证码告诉任何人。`,
        '如果这不是您本人的操作，请忽略本邮件：没有验证码，任何更改都不会生效。',
      ],
    },
  };
  return render({ locale, code, ...content[locale] });
}

const notices: Record<Notice, { subject: Text; happened: Text; remedy: Text }> = {
  email_changed: {
    subject: { en: 'Your Parley e-mail address was changed', zh: '您的 Parley 邮箱已更换' },
    happened: {
      en: 'The e-mail address of your Parley account was changed. This address no longer belongs to it.',
      zh: '您的 Parley 账号已更换邮箱，本邮箱不再与该账号关联。',
    },
    remedy: {
      en: 'If it was not you, log in with your phone number if the account has one, and change your password: that logs out all other devices. If you cannot get in, tell the people who run this Parley server.',
      zh: '如果这不是您本人的操作，请使用该账号绑定的手机号登录并立即修改密码，其他设备将随之退出登录。如果无法登录，请联系本 Parley 服务器的管理员。',
    },
  },
  phone_changed: {
    subject: { en: 'Your Parley phone number was changed', zh: '您的 Parley 手机号已更换' },
    happened: {
      en: 'The phone number of your Parley account was changed.',
      zh: '您的 Parley 账号已更换手机号。',
    },
    remedy: {
      en: 'If it was not you, reset your password at once: that logs out all devices. Then set your phone number again.',
      zh: '如果这不是您本人的操作，请立即重置密码，所有设备将随之退出登录，然后重新设置您的手机号。',
    },
  },
  password_changed: {
    subject: { en: 'Your Parley password was changed', zh: '您的 Parley 密码已修改' },
    happened: { en: 'The password of your Parley account was changed.', zh: '您的 Parley 账号已修改密码。' },
    remedy: {
      en: 'If it was not you, reset your password at once: that logs out all devices. Change the password of this mailbox too.',
      zh: '如果这不是您本人的操作，请立即重置密码，所有设备将随之退出登录；同时请修改本邮箱的密码。',
    },
  },
  account_deleted: {
    subject: { en: 'Your Parley account was deleted', zh: '您的 Parley 账号已注销' },
    happened: {
      en: 'Your Parley account was deleted. This cannot be undone.',
      zh: '您的 Parley 账号已注销，此操作无法撤销。',
    },
    remedy: {
      en: 'If it was not you, change the password of this mailbox and tell the people who run this Parley server.',
      zh: '如果这不是您本人的操作，请修改本邮箱的密码，并联系本 Parley 服务器的管理员。',
    },
  },
};

/** The mail that tells the holder of an account, at the address it had before, what was done to it. */
export function noticeMail({
  notice,
  locale,
  at,
}: {
  notice: Notice;
  locale: Locale;
  at: Date;
}): MailContent {
  const { subject, happened, remedy } = notices[notice];
  const minute = at.toISOString().slice(0, 16).replace('T', ' ');
  const time = { en: `It happened at ${minute} UTC.`, zh: `操作时间：${minute}（UTC）。` };
  return render({
    locale,
    subject: subject[locale],
    before: [happened[locale], time[locale]],
    after: [remedy[locale]],
  });
}

interface Page {
  locale: Locale;
  subject: string;
  before: string[];
  /** Stands alone between the paragraphs, in large letters. */
  code?: string;
  after: string[];
}

const languageTags: Record<Locale, string> = { en: 'en', zh: 'zh-Hans' };

function render({ locale, subject, before, code, after }: Page): MailContent {
  const paragraph = (line: string) => `<p>${escapeHtml(line)}</p>`;
  const codeLine = (line: string) =>
    `<p style="font-size:32px;font-weight:bold;letter-spacing:4px">${escapeHtml(line)}</p>`;
  const codes = code === undefined ? [] : [code];
  const body = [...before.map(paragraph), ...codes.map(codeLine), ...after.map(paragraph)];
  const html = [
    `<!doctype html>\n<html lang="${languageTags[locale]}">`,
    `<head><meta charset="utf-8"><title>${escapeHtml(subject)}</title></head>`,
    '<body style="font-family:sans-serif;font-size:16px;line-height:1.5">',
    ...body,
    '</body>\n</html>\n',
  ];
  return { subject, text: `${[...before, ...codes, ...after].join('\n\n')}\n`, html: html.join('\n') };
}
