import { z } from 'zod';
import type { SmsDriver } from '../../core/outbound.ts';
import { minutesOf } from './code-text.ts';
import { jsonOf, notTaken, postToProvider, refusal } from './provider-request.ts';
import type { SmsSettings } from './sms-settings.ts';
import { signTencent } from './tencent-signature.ts';

type TencentSettings = Extract<SmsSettings, { driver: 'tencent' }>;
const provider = 'tencent';
const action = 'SendSms';

const withCode = z.object({ Code: z.string() });
const answer = z.object({
  Response: z.object({ Error: withCode.optional(), SendStatusSet: z.array(withCode).optional() }),
});

/** Tencent Cloud's SendSms. The template's {1} is the code, {2} the minutes it is valid. */
export function createTencentSmsDriver(settings: TencentSettings, timeoutMs: number): SmsDriver {
  const { secretId, secretKey, appId, signName, templateId } = settings;
  const url = new URL('/', settings.baseUrl ?? 'https://sms.tencentcloudapi.com');
  return {
    async send(message) {
      const payload = JSON.stringify({
        PhoneNumberSet: [message.phone],
        SmsSdkAppId: appId,
        SignName: signName,
        TemplateId: templateId,
        TemplateParamSet: [message.code, String(minutesOf(message))],
      });
      const timestampSeconds = Math.floor(Date.now() / 1000);
      const signed = { 'content-type': 'application/json; charset=utf-8', 'x-tc-action': action };
      const headers = {
        ...signed,
        'x-tc-version': '2021-01-11',
        'x-tc-region': 'ap-guangzhou',
        'x-tc-timestamp': String(timestampSeconds),
        authorization: signTencent({
          service: 'sms',
          timestampSeconds,
          headers: { ...signed, host: url.host },
          payload,
          secretId,
          secretKey,
        }),
      };
      const response = await postToProvider({ provider, url, headers, body: payload, timeoutMs });
      // Refusals come with HTTP 200 too: as an error of the call, or as the status of the one number.
      const result = answer.safeParse(await jsonOf(response)).data?.Response;
      const code = result?.Error?.Code ?? result?.SendStatusSet?.[0]?.Code;
      const isTaken = response.ok && !result?.Error && code === 'Ok';
      if (!isTaken) throw notTaken(provider, refusal(response.status, code));
    },
  };
}
