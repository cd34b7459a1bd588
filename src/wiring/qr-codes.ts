import type { Connection } from 'mongoose';
import { contracts } from '../contracts.ts';
import { bind } from '../core/operation.ts';
import type { PersonalData } from '../core/personal-data.ts';
import { createCodeIssuing, hashOf } from '../features/qr-codes/code-issuing.ts';
import { createCodeReading } from '../features/qr-codes/code-reading.ts';
import { createQrCodes } from '../features/qr-codes/qr-codes.service.ts';
import { createQrCodeStore } from '../features/qr-codes/qr-codes.store.ts';
import { createDigest } from '../platform/digest.ts';
import { qrPng, qrSvg } from '../platform/qr-images.ts';
import { noQuota } from '../platform/quotas.store.ts';
import { createTurns } from '../platform/turns.ts';
import { subnetOf } from '../transports/client.ts';
import type { CommonDeps } from './common.ts';
import type { GroupStores } from './group-stores.ts';
import type { People } from './people.ts';

interface CodesInput extends CommonDeps {
  connection: Connection;
  jwtSecret: string;
  groupStores: GroupStores;
}

export type CodeTools = ReturnType<typeof buildCodeTools>;

const failedTries = { name: 'qr_code', points: 10, durationSeconds: 60 };

/** What makes codes of people and groups, and what looks them up. */
export function buildCodeTools({ config, connection, jwtSecret, groupStores, quotaOf }: CodesInput) {
  const store = createQrCodeStore(connection);
  const reading = createCodeReading({
    store,
    findInvite: (code) => groupStores.groups.findInvite(hashOf(code)),
    failures: config.hasRateLimits ? quotaOf(failedTries) : noQuota,
    digest: createDigest(jwtSecret, 'qr code tries'),
    subnetOf,
    inTurn: createTurns(),
  });
  const personalData: PersonalData = {
    erase: async (userId) => ({ deleted: { qr_codes: await store.removeAll(userId) } }),
  };
  return {
    issuing: createCodeIssuing({
      store,
      images: { png: qrPng, svg: qrSvg },
      publicUrl: config.publicUrl,
      lifetimesMs: {
        ofPeople: config.qrLifetimeSeconds * 1000,
        ofGroups: config.groups.codeLifetimeSeconds * 1000,
      },
    }),
    reading,
    /** Whom a code leads to, or the whole address of its page; `null` for nobody. */
    async personOf(codeOrUrl: string, address: string): Promise<string | null> {
      const meaning = await reading.read(codeOrUrl, address);
      return meaning?.groupId === null ? meaning.makerId : null;
    },
    personalData,
  };
}

/** What everybody can do with a code. */
export function bindQrCodes(
  { issuing, reading }: CodeTools,
  { people, findGroup }: { people: People; findGroup: Parameters<typeof createQrCodes>[0]['findGroup'] },
) {
  const service = createQrCodes({
    issuing,
    reading,
    findPerson: people.accounts.findById,
    findGroup,
  });
  return bind('qrCodes', contracts.qrCodes, service);
}
