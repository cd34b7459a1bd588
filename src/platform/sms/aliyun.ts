import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { SmsDriver } from '../../core/outbound.ts';
import { signAliyun } from './aliyun-signature.ts';
import { jsonOf, notTaken, postToProvider, refusal } from './provider-request.ts';
import type { SmsSettings } from './sms-settings.ts';

type AliyunSettings = Extract<SmsSettings, { driver: 'aliyun' }>;
const provider = 'aliyun';

const answer = z.object({ Code: z.string() });

/** SendSms wants mainland numbers bare, all others with their country code; neither with a plus. */
const numberOf = (phone: string) => phone.replace(/^\+(?:86)?/, '');

/** Alibaba Cloud's SendSms. The template's variable is `code`. */
export function createAliyunSmsDriver(settings: AliyunSettings, timeoutMs: number): SmsDriver {
  const { accessKeyId, accessKeySecret, signName, templateId } = settings;
  const endpoint = new URL('/', settings.baseUrl ?? 'https://dysmsapi.aliyuncs.com');
  return {
    async send({ phone, code }) {
      const { query, headers } = signAliyun({
        host: endpoint.host,
        action: 'SendSms',
        version: '2017-05-25',
        date: new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
        nonce: randomUUID(),
        query: {
          PhoneNumbers: numberOf(phone),
          SignName: signName,
          TemplateCode: templateId,
          TemplateParam: JSON.stringify({ code }),
        },
        accessKeyId,
        accessKeySecret,
      });
      const url = new URL(`?${query}`, endpoint);
      const response = await postToProvider({
        provider,
        url,
        headers: { accept: 'application/json', ...headers },
        body: null,
        timeoutMs,
      });
      // Most refusals come with HTTP 200: only the code tells.
      const { data } = answer.safeParse(await jsonOf(response));
      if (!response.ok || data?.Code !== 'OK') throw notTaken(provider, refusal(response.status, data?.Code));
    },
  };
}
