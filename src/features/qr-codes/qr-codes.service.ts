import { randomBytes } from 'node:crypto';
import { type AppError, invalidField } from '../../core/errors.ts';
import { Media } from '../../core/media.ts';
import type { Handlers } from '../../core/operation.ts';
import type { PersonalData } from '../../core/personal-data.ts';
import { codePage, goneCodePage } from './code-page.ts';
import type { qrCodesContract } from './qr-codes.contract.ts';
import type { QrCodeRecord, QrCodeStore } from './qr-codes.store.ts';

interface QrCodesDeps {
  store: QrCodeStore;
  images: { png(text: string): Promise<Buffer>; svg(text: string): Promise<string> };
  /** Name and avatar of who is there; `null` for nobody. */
  findPerson(userId: string): Promise<{ nickname: string; avatarUrl: string | null } | null>;
  publicUrl: string;
  lifetimeMs: number;
}

/** 96 bits, which nobody guesses. */
const codeBytes = 12;
const pagePolicy =
  "default-src 'none'; img-src * data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export function createQrCodes({ store, images, findPerson, publicUrl, lifetimeMs }: QrCodesDeps) {
  const urlOf = (code: string) => `${publicUrl}/q/${code}`;

  const handlers: Handlers<typeof qrCodesContract> = {
    async getMine({ format }, { actor, originSocketId }) {
      if (format !== 'json' && originSocketId !== null) throw picturesOverRestOnly();
      const record = await store.findOrCreate(newCode(actor.userId));
      const url = urlOf(record.code);
      if (format === 'png') return new Media('image/png', await images.png(url), privately);
      if (format === 'svg') return new Media('image/svg+xml', Buffer.from(await images.svg(url)), privately);
      return toQrCode(record);
    },

    async renewMine(_input, { actor }) {
      const record = newCode(actor.userId);
      await store.replace(record);
      return toQrCode(record);
    },

    async showPage({ code }, { locale }) {
      const ownerId = await store.findOwner(code);
      const person = ownerId === null ? null : await findPerson(ownerId);
      const html = person
        ? codePage({
            url: urlOf(code),
            title: person.nickname,
            description: '',
            imageUrl: person.avatarUrl,
            locale,
          })
        : goneCodePage({ locale });
      return new Media('text/html; charset=utf-8', Buffer.from(html), {
        status: person ? 200 : 404,
        cacheControl: 'no-store',
        contentSecurityPolicy: pagePolicy,
      });
    },
  };

  function newCode(ownerId: string): QrCodeRecord {
    const code = randomBytes(codeBytes).toString('base64url');
    return { ownerId, code, expiresAt: new Date(Date.now() + lifetimeMs) };
  }

  function toQrCode({ code, expiresAt }: QrCodeRecord) {
    return { code, url: urlOf(code), expiresAt: expiresAt.toISOString() };
  }

  const personalData: PersonalData = {
    erase: async (userId) => ({ deleted: { qr_codes: await store.remove(userId) } }),
  };

  return {
    handlers,
    personalData,
    /** Whom a code leads to, or the whole address of its page; `null` if it leads nowhere. */
    ownerOf: (codeOrUrl: string): Promise<string | null> =>
      store.findOwner(codeOrUrl.split('/q/').at(-1) ?? ''),
  };
}

const privately = { cacheControl: 'private, no-store' };

function picturesOverRestOnly(): AppError {
  return invalidField('format', { en: 'Pictures are served over REST only', zh: '图片仅通过 REST 提供' });
}
