import type { SmsDriver } from '../../core/outbound.ts';

export interface SmsLog {
  info(text: string): void;
}

/** For development: the code stands in the log and goes nowhere. */
export function createLogSmsDriver(log: SmsLog): SmsDriver {
  return {
    async send({ phone, code, purpose }) {
      log.info(`SMS to ${phone}: ${code} is the code for ${purpose}`);
    },
  };
}
