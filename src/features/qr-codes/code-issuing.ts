import { createHash, randomBytes } from 'node:crypto';
import { type AppError, invalidField } from '../../core/errors.ts';
import { Media } from '../../core/media.ts';
import type { CodeFormat, QrCode } from './qr-codes.contract.ts';
import type { CodeOwner, QrCodeRecord, QrCodeStore } from './qr-codes.store.ts';

interface IssuingDeps {
  store: Pick<QrCodeStore, 'findOrCreate' | 'replace'>;
  images: { png(text: string): Promise<Buffer>; svg(text: string): Promise<string> };
  publicUrl: string;
  lifetimesMs: { ofPeople: number; ofGroups: number };
}

/** 96 bits, which nobody guesses. */
const codeBytes = 12;
const privately = { cacheControl: 'private, no-store' };

/** What is kept of a code that is told once. It has too many bits to be found by trying. */
export const hashOf = (code: string): string => createHash('sha256').update(code).digest('base64url');

export type CodeIssuing = ReturnType<typeof createCodeIssuing>;

/** Makes codes, and shows them to whose they are. */
export function createCodeIssuing({ store, images, publicUrl, lifetimesMs }: IssuingDeps) {
  const urlOf = (code: string) => `${publicUrl}/q/${code}`;
  const newCode = () => randomBytes(codeBytes).toString('base64url');

  function newRecord(owner: CodeOwner): QrCodeRecord {
    const lifetimeMs = owner.groupId === null ? lifetimesMs.ofPeople : lifetimesMs.ofGroups;
    return { ...owner, code: newCode(), expiresAt: new Date(Date.now() + lifetimeMs) };
  }

  function toQrCode({ code, expiresAt }: QrCodeRecord): QrCode {
    return { code, url: urlOf(code), expiresAt: expiresAt.toISOString() };
  }

  return {
    urlOf,
    newCode,

    /** The code of its owner, the same until it is renewed or has expired. Throws for a picture on a socket. */
    async show(
      owner: CodeOwner,
      { format, originSocketId }: { format: CodeFormat; originSocketId: string | null },
    ): Promise<QrCode | Media> {
      if (format !== 'json' && originSocketId !== null) throw picturesOverRestOnly();
      const record = await store.findOrCreate(newRecord(owner));
      const url = urlOf(record.code);
      if (format === 'png') return new Media('image/png', await images.png(url), privately);
      if (format === 'svg') return new Media('image/svg+xml', Buffer.from(await images.svg(url)), privately);
      return toQrCode(record);
    },

    /** A new code, which ends the one before. */
    async renew(owner: CodeOwner): Promise<QrCode> {
      const record = newRecord(owner);
      await store.replace(record);
      return toQrCode(record);
    },
  };
}

function picturesOverRestOnly(): AppError {
  return invalidField('format', { en: 'Pictures are served over REST only', zh: '图片仅通过 REST 提供' });
}
