import { AppError } from '../../core/errors.ts';
import { Media } from '../../core/media.ts';
import type { Handlers } from '../../core/operation.ts';
import type { CodeIssuing } from './code-issuing.ts';
import { codePage, goneCodePage } from './code-page.ts';
import type { CodeMeaning, CodeReading } from './code-reading.ts';
import type { qrCodesContract, ResolvedCode } from './qr-codes.contract.ts';

interface QrCodesDeps {
  issuing: CodeIssuing;
  reading: CodeReading;
  /** Name and avatar of who is there; `null` for nobody. */
  findPerson(userId: string): Promise<{ nickname: string; avatarUrl: string | null } | null>;
  /** The group that somebody's code leads to; `null` if nobody would come in by it now. */
  findGroup(
    groupId: string,
    by: { makerId: string; inviteId: string | null },
  ): Promise<{ name: string; avatarUrl: string | null; memberCount: number } | null>;
}

const pagePolicy =
  "default-src 'none'; img-src * data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** The codes of people, and what everybody can see of a code. */
export function createQrCodes({
  issuing,
  reading,
  findPerson,
  findGroup,
}: QrCodesDeps): Handlers<typeof qrCodesContract> {
  /** What a code leads to now; `null` for nothing, whatever the reason. */
  async function resolve(code: string, address: string): Promise<ResolvedCode | null> {
    const meaning = await reading.read(code, address);
    return meaning && targetOf(meaning);
  }

  async function targetOf({ groupId, ...by }: CodeMeaning): Promise<ResolvedCode | null> {
    if (groupId !== null) {
      const group = await findGroup(groupId, by);
      if (!group) return null;
      const { name, avatarUrl, memberCount } = group;
      return { type: 'group', name, avatarUrl, memberCount };
    }
    const person = await findPerson(by.makerId);
    return person && { type: 'user', nickname: person.nickname, avatarUrl: person.avatarUrl };
  }

  return {
    getMine: ({ format }, { actor, originSocketId }) =>
      issuing.show({ userId: actor.userId, groupId: null }, { format, originSocketId }),

    renewMine: (_input, { actor }) => issuing.renew({ userId: actor.userId, groupId: null }),

    async resolve({ code }, { address }) {
      const target = await resolve(code, address);
      if (!target) throw new AppError('not_found');
      return target;
    },

    async showPage({ code }, { locale, address }) {
      const target = await resolve(code, address);
      const html = target
        ? codePage({
            url: issuing.urlOf(code),
            title: target.type === 'user' ? target.nickname : target.name,
            memberCount: target.type === 'user' ? null : target.memberCount,
            imageUrl: target.avatarUrl,
            locale,
          })
        : goneCodePage({ locale });
      return new Media('text/html; charset=utf-8', Buffer.from(html), {
        status: target ? 200 : 404,
        cacheControl: 'no-store',
        contentSecurityPolicy: pagePolicy,
      });
    },
  };
}
