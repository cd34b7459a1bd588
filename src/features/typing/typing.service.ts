import type { z } from 'zod';
import type { Delivery } from '../../core/delivery.ts';
import { AppError } from '../../core/errors.ts';
import type { Handlers } from '../../core/operation.ts';
import type { typingContract, typingEvents } from './typing.contract.ts';
import { afterSaying, afterTime, nextChangeAt, notTyping, type Step, typingLimits } from './typing.rules.ts';

interface TypingDeps {
  delivery: Delivery<typeof typingEvents>;
  /** The id of the private conversation of two people. */
  privateConversationOf(oneId: string, otherId: string): string;
  areFriends(conversationId: string): Promise<boolean>;
  /** Throws unless the person may write in a group now. */
  requireMayWrite(userId: string, groupId: string): Promise<void>;
  /** How many people are in a group. */
  countMembers(groupId: string): Promise<number>;
  /** Lets what shares a key happen one after the other. */
  inTurn<T>(keys: readonly string[], work: () => Promise<T>): Promise<T>;
  /** That somebody types no longer was not told. */
  onFailure(error: unknown): void;
}

/** Where somebody types. */
interface Place {
  userId: string;
  conversationId: string;
  /** Asks, now, whether anybody hears of it. Throws if the person may not write there. */
  isHeard(): Promise<boolean>;
  /** Whether the others hear the end even of who may not write there any more. */
  alwaysEnds: boolean;
  tell(isTyping: boolean): void;
}

/** Somebody who types somewhere, or did a moment ago. */
interface Typist {
  place: Place;
  socketId: string | null;
  state: Step['state'];
  timer: NodeJS.Timeout | undefined;
}

/** Who types where. Nothing of it is stored, and nobody is remembered for longer than it takes to end by itself. */
export function createTyping({ delivery, inTurn, onFailure, ...deps }: TypingDeps) {
  /** Person → conversation → what they do there. */
  const typists = new Map<string, Map<string, Typist>>();

  const handlers: Handlers<typeof typingContract> = {
    async setStatus(input, { actor, originSocketId }) {
      const place = placeOf(actor.userId, input);
      await inTurn([keyOf(place)], async () => {
        if (!(await place.isHeard())) return;
        const typist = typistAt(place) ?? begin(place);
        if (!typist) return;
        typist.socketId = originSocketId;
        apply(typist, afterSaying(typist.state, input.isTyping, performance.now()));
      });
    },
  };

  function placeOf(userId: string, input: z.output<typeof typingContract.setStatus.input>): Place {
    const { to, groupId } = input;
    // the contract has made sure of one of the two
    return groupId === undefined ? privatePlace(userId, to ?? userId) : groupPlace(userId, groupId);
  }

  function privatePlace(userId: string, receiverId: string): Place {
    const conversationId = deps.privateConversationOf(userId, receiverId);
    return {
      userId,
      conversationId,
      async isHeard() {
        if (!(await deps.areFriends(conversationId))) throw new AppError('not_allowed');
        return true;
      },
      alwaysEnds: false,
      tell(isTyping) {
        const data = { from: userId, isTyping };
        const userIds = [receiverId];
        delivery.toUsers({ userIds, event: 'typing_status_update', data, originSocketId: null });
      },
    };
  }

  /** Those in the room hear of each other, and wait for nobody who was muted or removed meanwhile. */
  function groupPlace(userId: string, groupId: string): Place {
    return {
      userId,
      conversationId: groupId,
      async isHeard() {
        const [count] = await Promise.all([
          deps.countMembers(groupId),
          deps.requireMayWrite(userId, groupId),
        ]);
        return count <= typingLimits.mostMembers;
      },
      alwaysEnds: true,
      tell(isTyping) {
        delivery.toConversation({
          conversationId: groupId,
          event: 'typing_status_update',
          data: { from: userId, groupId, isTyping },
          originSocketId: null,
          exceptUserIds: [userId],
        });
      },
    };
  }

  const typistAt = ({ userId, conversationId }: Pick<Place, 'userId' | 'conversationId'>) =>
    typists.get(userId)?.get(conversationId);

  /** `null` if the person types in too many places already. */
  function begin(place: Place): Typist | null {
    const places = typists.get(place.userId) ?? new Map<string, Typist>();
    if (places.size >= typingLimits.conversationsAtOnce) return null;
    const typist = { place, socketId: null, state: notTyping, timer: undefined };
    places.set(place.conversationId, typist);
    typists.set(place.userId, places);
    return typist;
  }

  /** Takes a step, tells of it, and waits for the next thing that time alone changes. */
  function apply(typist: Typist, { state, told }: Step): void {
    typist.state = state;
    if (told !== null) typist.place.tell(told);
    clearTimeout(typist.timer);
    const now = performance.now();
    const changesAt = nextChangeAt(state, now);
    if (changesAt === null) forget(typist.place);
    else typist.timer = setTimeout(() => void wake(typist), Math.ceil(changesAt - now)).unref();
  }

  function forget({ userId, conversationId }: Place): void {
    const places = typists.get(userId);
    places?.delete(conversationId);
    if (places?.size === 0) typists.delete(userId);
  }

  /** Time has passed, or the typist has gone. Who may no longer hear of them hears nothing. */
  async function wake(typist: Typist, hasStopped = false): Promise<void> {
    await inTurn([keyOf(typist.place)], async () => {
      if (typistAt(typist.place) !== typist) return;
      const now = performance.now();
      const step = hasStopped ? afterSaying(typist.state, false, now) : afterTime(typist.state, now);
      const isHeard = step.told === null || (await isHeardNow(typist.place, step.told));
      apply(typist, isHeard ? step : { ...step, told: null });
    });
  }

  async function isHeardNow(place: Place, isTyping: boolean): Promise<boolean> {
    if (!isTyping && place.alwaysEnds) return true;
    try {
      return await place.isHeard();
    } catch (error) {
      if (!(error instanceof AppError)) onFailure(error);
      return false;
    }
  }

  return {
    handlers,

    /** The person has sent their message, so that nobody waits for them any more. */
    stop(userId: string, conversationId: string): void {
      const typist = typistAt({ userId, conversationId });
      if (typist) apply(typist, afterSaying(typist.state, false, performance.now()));
    },

    /** A socket of this person closed: what it was typing has come to its end. */
    socketClosed(userId: string, socketId: string): void {
      for (const typist of typists.get(userId)?.values() ?? [])
        if (typist.socketId === socketId) void wake(typist, true);
    },
  };
}

const keyOf = ({ userId, conversationId }: Place): string => `${userId} ${conversationId}`;
