import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import type { createPhoneNumbers } from '../platform/phone-numbers.ts';
import type { createQuotaStore } from '../platform/quotas.store.ts';

/** What every part of the wiring may need. */
export interface CommonDeps {
  config: Config;
  log: Logger;
  quotaOf: ReturnType<typeof createQuotaStore>;
  phones: ReturnType<typeof createPhoneNumbers>;
}

export const dayS = 86_400;
