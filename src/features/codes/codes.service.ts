import { randomInt } from 'node:crypto';
import type { Call } from '../../core/actor.ts';
import type { Contact } from '../../core/contact.ts';
import { withinDeadline } from '../../core/deadline.ts';
import { AppError, type Locale } from '../../core/errors.ts';
import type { MailDriver, SmsDriver } from '../../core/outbound.ts';
import type { TakeForSending } from './code-limits.ts';
import { codeMail } from './code-mails.ts';
import type { CodeScope, CodeSent } from './codes.contract.ts';
import type { CodeRecord, CodeStore } from './codes.store.ts';

interface CodesDeps {
  store: CodeStore;
  takeForSending: TakeForSending;
  /** Keyed, so that six digits cannot be found by trying, and contacts are not kept. */
  digest(text: string): string;
  /** `null`: nobody carries codes to phones. */
  sms: SmsDriver | null;
  /** `null`: no mails go out. */
  mail: MailDriver | null;
  subnetOf(address: string): string;
  onFailure(error: unknown): void;
  ttlSeconds: number;
  resendSeconds: number;
}

type Circumstances = Pick<Call, 'address' | 'locale'>;

const tries = 5;
const newCode = () => String(randomInt(1_000_000)).padStart(6, '0');
const deliveredWithinMs = 4500;

/** Six digits that prove that somebody reads an e-mail or holds a phone (promise 12). */
export function createCodes({ store, takeForSending, digest, ...deps }: CodesDeps) {
  /** Everything that sending counts; the same whether or not the target is known. */
  function take({ target }: CodeScope, { address }: Circumstances) {
    if (!driverFor(target)) throw new AppError('delivery_unavailable');
    const targetKey = digest(`target:${target.kind}:${target.value}`);
    return takeForSending({ targetKey, addressKey: digest(`address:${deps.subnetOf(address)}`) });
  }

  function driverFor({ kind }: Contact): SmsDriver | MailDriver | null {
    return kind === 'phone' ? deps.sms : deps.mail;
  }

  /** Keeps a secret in the place of the one before, which it answers too. */
  async function keep(scope: CodeScope, secret: string) {
    const id = idOf(scope);
    const record: CodeRecord = {
      id,
      codeHash: hashOf(id, secret),
      userId: scope.userId,
      triesLeft: tries,
      expiresAt: new Date(Date.now() + deps.ttlSeconds * 1000),
    };
    return { record, before: await store.replace(record) };
  }

  async function deliver({ target, purpose }: CodeScope, code: string, locale: Locale): Promise<void> {
    const { sms, mail, ttlSeconds } = deps;
    const sent =
      target.kind === 'phone'
        ? sms?.send({ phone: target.value, code, purpose, locale, ttlSeconds })
        : mail?.send({ to: target.value, ...codeMail({ code, purpose, locale, ttlSeconds }) });
    await withinDeadline(Promise.resolve(sent), deliveredWithinMs);
  }

  const idOf = ({ purpose, target }: CodeScope) => digest(`${purpose}:${target.kind}:${target.value}`);
  const hashOf = (id: string, code: string) => digest(`code:${id}:${code}`);

  return {
    /** What a client is told about a code that was sent. */
    sent: { expiresIn: deps.ttlSeconds, resendIn: deps.resendSeconds } satisfies CodeSent,

    /** Sends a code. Throws `rate_limited`, or `delivery_unavailable` if it failed, which counts for nothing. */
    async send(scope: CodeScope, circumstances: Circumstances): Promise<void> {
      const giveBack = await take(scope, circumstances);
      const code = newCode();
      const { record, before } = await keep(scope, code);
      try {
        await deliver(scope, code, circumstances.locale);
      } catch (error) {
        deps.onFailure(error);
        await Promise.all([store.takeBack(record, before), giveBack()]);
        throw new AppError('delivery_unavailable');
      }
    },

    /**
     * Counts and answers at once; the code follows if `isWanted`, which is asked afterwards. Where it is not, a secret that
     * nobody can type is kept, so that trying takes as long. So neither answers nor times nor what is left of the limits
     * tell whether the target is known, and for that a delivery that fails is not told and counts too.
     */
    async sendLater(
      scope: CodeScope,
      circumstances: Circumstances,
      isWanted: () => Promise<boolean>,
    ): Promise<void> {
      await take(scope, circumstances);
      const follow = async () => {
        const code = newCode();
        const isSent = await isWanted();
        await keep(scope, isSent ? code : `${code} for nobody`);
        if (isSent) await deliver(scope, code, circumstances.locale);
      };
      follow().catch(deps.onFailure);
    },

    /** Weighs a code, five times at most, and uses it up if it is right. Of parallel right answers one is taken. */
    async use(scope: CodeScope, code: string): Promise<boolean> {
      const id = idOf(scope);
      const record = await store.countTry(id);
      if (!record || record.userId !== scope.userId || record.codeHash !== hashOf(id, code)) return false;
      return store.use(record);
    },
  };
}
