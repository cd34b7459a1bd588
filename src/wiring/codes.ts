import type { Connection } from 'mongoose';
import type { MailDriver } from '../core/outbound.ts';
import { createCodeLimits } from '../features/codes/code-limits.ts';
import { createCodes } from '../features/codes/codes.service.ts';
import { createCodeStore } from '../features/codes/codes.store.ts';
import { createDigest } from '../platform/digest.ts';
import { noQuota } from '../platform/quotas.store.ts';
import { createSmsDriver } from '../platform/sms/sms.ts';
import { subnetOf } from '../transports/client.ts';
import { type CommonDeps, dayS } from './common.ts';

interface CodesInput extends CommonDeps {
  connection: Connection;
  jwtSecret: string;
  mail: MailDriver | null;
}

/** Codes: their store, their limits, and who carries them. */
export function buildCodes({ config, log, connection, jwtSecret, quotaOf, mail }: CodesInput) {
  const { ttlSeconds, resendSeconds, dailyPerTarget, dailyPerAddress, dailyTotal } = config.codes;
  const perDay = (name: string, points: number) => quotaOf({ name, points, durationSeconds: dayS });
  return createCodes({
    store: createCodeStore(connection),
    takeForSending: createCodeLimits({
      quotas: {
        resend: quotaOf({ name: 'code_resend', points: 1, durationSeconds: resendSeconds }),
        perTarget: perDay('code_target', dailyPerTarget),
        perAddress: config.hasRateLimits ? perDay('code_address', dailyPerAddress) : noQuota,
        total: perDay('code_total', dailyTotal),
      },
      onBudgetSpent: () => log.error('the budget of codes (CODE_DAILY_TOTAL) is spent; no more are sent'),
    }),
    digest: createDigest(jwtSecret, 'codes'),
    sms: config.sms && createSmsDriver(config.sms, log),
    mail,
    subnetOf,
    onFailure: (error) => log.error({ err: error }, 'a code was not delivered'),
    ttlSeconds,
    resendSeconds,
  });
}
