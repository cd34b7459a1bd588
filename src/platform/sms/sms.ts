import type { SmsDriver } from '../../core/outbound.ts';
import { createAliyunSmsDriver } from './aliyun.ts';
import { createLogSmsDriver, type SmsLog } from './log.ts';
import { providerTimeoutMs } from './provider-request.ts';
import type { SmsSettings } from './sms-settings.ts';
import { createTencentSmsDriver } from './tencent.ts';
import { createTwilioSmsDriver } from './twilio.ts';
import { createWebhookSmsDriver } from './webhook.ts';

/**
 * The driver that the settings name. A send is tried once; its error names the provider and the reason, never the code,
 * the number or a secret.
 */
export function createSmsDriver(
  settings: SmsSettings,
  log: SmsLog,
  { timeoutMs = providerTimeoutMs }: { timeoutMs?: number } = {},
): SmsDriver {
  switch (settings.driver) {
    case 'log':
      return createLogSmsDriver(log);
    case 'webhook':
      return createWebhookSmsDriver(settings, timeoutMs);
    case 'twilio':
      return createTwilioSmsDriver(settings, timeoutMs);
    case 'aliyun':
      return createAliyunSmsDriver(settings, timeoutMs);
    case 'tencent':
      return createTencentSmsDriver(settings, timeoutMs);
  }
}
