import { decimal } from './fields.ts';

const days = decimal(0, 36_500);

/** How far back messages go. */
export const historySettings = {
  MESSAGE_ROAMING_DAYS: days.default(0),
  MESSAGE_RETENTION_DAYS: days.default(0),
};

export interface HistorySettings {
  /** How long messages are shown; 0: as long as they are kept. */
  shownForMs: number;
  /** How long messages are kept; 0: for ever. */
  keptForMs: number;
}

interface HistoryVariables {
  MESSAGE_ROAMING_DAYS: number;
  MESSAGE_RETENTION_DAYS: number;
}

const dayMs = 86_400_000;

/** What is too old to be kept is not shown either, although it is deleted some time later. */
export function toHistory(set: HistoryVariables): HistorySettings {
  const keptForMs = set.MESSAGE_RETENTION_DAYS * dayMs;
  const roamingMs = set.MESSAGE_ROAMING_DAYS * dayMs;
  const limits = [keptForMs, roamingMs].filter((limit) => limit > 0);
  return { keptForMs, shownForMs: limits.length > 0 ? Math.min(...limits) : 0 };
}
