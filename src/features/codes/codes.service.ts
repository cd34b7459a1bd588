import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
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
const deliveredWithinMs = 4500;

/** Six digits that prove that somebody reads an e-mail or holds a phone (promise 12). */
export function createCodes({ store, takeForSending, digest, ...deps }: CodesDeps) {
  /** How the last delivery of each kind went, for those that are only pretended. */
  const lastDelivery = new Map<Contact['kind'], { tookMs: number; isDone: boolean }>();

  /** Everything that sending counts; the same whether or not the target is known. */
  function take({ target }: CodeScope, { address }: Circumstances) {
    if (!driverFor(target)) throw new AppError('delivery_unavailable');
    const targetKey = digest(`target:${target.kind}:${target.value}`);
    return takeForSending({ targetKey, addressKey: digest(`address:${deps.subnetOf(address)}`) });
  }

  function driverFor({ kind }: Contact): SmsDriver | MailDriver | null {
    return kind === 'phone' ? deps.sms : deps.mail;
  }

  /** Makes a code and brings it to its target. If that fails, the code before it is good again. */
  async function issue(scope: CodeScope, locale: Locale): Promise<void> {
    const id = idOf(scope);
    const code = String(randomInt(1_000_000)).padStart(6, '0');
    const record: CodeRecord = {
      id,
      codeHash: hashOf(id, code),
      userId: scope.userId,
      triesLeft: tries,
      expiresAt: new Date(Date.now() + deps.ttlSeconds * 1000),
    };
    const before = await store.replace(record);
    const startedAt = performance.now();
    try {
      await withinDeadline(deliver(scope, code, locale), deliveredWithinMs);
      lastDelivery.set(scope.target.kind, { tookMs: performance.now() - startedAt, isDone: true });
    } catch (error) {
      lastDelivery.set(scope.target.kind, { tookMs: performance.now() - startedAt, isDone: false });
      deps.onFailure(error);
      await store.takeBack(record, before);
      throw new AppError('delivery_unavailable');
    }
  }

  async function deliver({ target, purpose }: CodeScope, code: string, locale: Locale): Promise<void> {
    const { ttlSeconds } = deps;
    if (target.kind === 'phone')
      await deps.sms?.send({ phone: target.value, code, purpose, locale, ttlSeconds });
    else await deps.mail?.send({ to: target.value, ...codeMail({ code, purpose, locale, ttlSeconds }) });
  }

  const idOf = ({ purpose, target }: CodeScope) => digest(`${purpose}:${target.kind}:${target.value}`);
  const hashOf = (id: string, code: string) => digest(`code:${id}:${code}`);

  return {
    /** What a client is told about a code that was sent. */
    sent: { expiresIn: deps.ttlSeconds, resendIn: deps.resendSeconds } satisfies CodeSent,

    /** Sends a code. Throws `rate_limited`, or `delivery_unavailable` if it could not be handed over. */
    async send(scope: CodeScope, circumstances: Circumstances): Promise<void> {
      const giveBack = await take(scope, circumstances);
      await issue(scope, circumstances.locale).catch(async (error: unknown) => {
        await giveBack();
        throw error;
      });
    },

    /** Takes as long as sending does and counts as much, but sends nothing: the target is somebody else's. */
    async pretend(scope: CodeScope, circumstances: Circumstances): Promise<void> {
      const giveBack = await take(scope, circumstances);
      const last = lastDelivery.get(scope.target.kind);
      await delay(last?.tookMs ?? 0);
      if (last?.isDone !== false) return;
      await giveBack();
      throw new AppError('delivery_unavailable');
    },

    /**
     * Counts and answers at once; the code follows if `isWanted`, which is asked afterwards. So nobody can tell from
     * answer or time whether the target is known.
     */
    async sendLater(
      scope: CodeScope,
      circumstances: Circumstances,
      isWanted: () => Promise<boolean>,
    ): Promise<void> {
      const giveBack = await take(scope, circumstances);
      const send = async () => {
        if (await isWanted()) await issue(scope, circumstances.locale);
      };
      send().catch(giveBack).catch(deps.onFailure);
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
