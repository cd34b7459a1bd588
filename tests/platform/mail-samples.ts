import { expect } from 'chai';
import { createMailDriver } from '../../src/platform/mail/mail.ts';
import type { MailSettings } from '../../src/platform/mail/mail-settings.ts';

export const to = 'ann.recipient@example.test';
export const mail = {
  to,
  subject: '验证码：登录 Parley – log in',
  text: 'Use this code:\n\n407193\n\n验证码 10 分钟内有效。\n.\nThe end\n',
  html: '<!doctype html>\n<html lang="zh-Hans"><body><p>407193</p><p>验证码 10 分钟内有效 &amp; more</p></body></html>\n',
};
export const from = '聊天 Parley <codes@parley.test>';
const noLog = { info: () => undefined };
export const driverOf = (settings: MailSettings) => createMailDriver(settings, noLog);

/** The error's text; fails when nothing is refused or what must stay secret is repeated in it. */
export async function refusal(sending: Promise<void>, ...secrets: string[]): Promise<string> {
  const error: unknown = await sending.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof Error)) throw new Error('the mail was not refused');
  const told = `${error.stack} ${JSON.stringify(error)} ${String(error.cause)}`;
  for (const secret of [to, 'ann.recipient', '407193', '验证码', ...secrets])
    expect(told).not.to.include(secret);
  return error.message;
}

export const smtpDriver = (url: string) => driverOf({ driver: 'smtp', from, server: { url } });
