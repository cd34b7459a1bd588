import type { Readable } from 'node:stream';

/** One file of an export. A stream is not read before its turn comes. */
export interface ExportedFile {
  name: string;
  content: string | Buffer | Readable;
}

/** What was done to whose documents, counted by collection. */
export interface Erased {
  deleted?: Record<string, number>;
  anonymised?: Record<string, number>;
  kept?: Record<string, number>;
}

/**
 * What one feature holds of a person. Each feature that holds anything contributes one of these; export and deletion know
 * nothing else of it.
 */
export interface PersonalData {
  exportOf?(userId: string): Promise<ExportedFile[]>;
  /**
   * Erases what is the person's alone and makes anonymous what others share. The person has no contacts and no nickname any
   * more when it is called. Called again after a crash, so repeating must be harmless.
   */
  erase(userId: string): Promise<Erased>;
}
