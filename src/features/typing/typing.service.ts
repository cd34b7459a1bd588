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
  /** Who hears of somebody's typing in a group; `null` if that person is not in it. Throws if they may not write there. */
  findAudience(userId: string, groupId: string): Promise<readonly string[] | null>;
  /** Lets what shares a key happen one after the other. */
  inTurn<T>(keys: readonly string[], work: () => Promise<T>): Promise<T>;
  /** That somebody types no longer was not told. */
  onFailure(error: unknown): void;
}

/** Where somebody types. */
interface Place {
  userId: string;
  conversationId: string;
  /** Asks, now, who may hear of it. Throws if nobody may. */
  findAudience(): Promise<readonly string[]>;
  groupId: string | undefined;
}

/** Somebody who types somewhere, or did a moment ago. */
interface Typist {
  place: Place;
  socketId: string | null;
  audience: readonly string[];
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
        const audience = await place.findAudience();
        const typist = typistAt(place) ?? begin(place);
        if (!typist) return;
        Object.assign(typist, { audience, socketId: originSocketId });
        apply(typist, afterSaying(typist.state, input.isTyping, performance.now()));
      });
    },
  };

  function placeOf(userId: string, input: z.output<typeof typingContract.setStatus.input>): Place {
    const { to, groupId } = input;
    if (groupId !== undefined) {
      const findAudience = async () => {
        const audience = await deps.findAudience(userId, groupId);
        if (!audience) throw new AppError('not_found');
        return audience;
      };
      return { userId, conversationId: groupId, findAudience, groupId };
    }
    // the contract has made sure of one of the two
    const receiverId = to ?? userId;
    const conversationId = deps.privateConversationOf(userId, receiverId);
    const findAudience = async () => {
      if (!(await deps.areFriends(conversationId))) throw new AppError('not_allowed');
      return [receiverId];
    };
    return { userId, conversationId, findAudience, groupId };
  }

  const typistAt = ({ userId, conversationId }: Pick<Place, 'userId' | 'conversationId'>) =>
    typists.get(userId)?.get(conversationId);

  /** `null` if the person types in too many places already. */
  function begin(place: Place): Typist | null {
    const places = typists.get(place.userId) ?? new Map<string, Typist>();
    if (places.size >= typingLimits.conversationsAtOnce) return null;
    const typist = { place, socketId: null, audience: [], state: notTyping, timer: undefined };
    places.set(place.conversationId, typist);
    typists.set(place.userId, places);
    return typist;
  }

  /** Takes a step, tells of it, and waits for the next thing that time alone changes. */
  function apply(typist: Typist, { state, told }: Step): void {
    typist.state = state;
    if (told !== null) tell(typist, told);
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

  function tell({ place: { userId, groupId }, audience }: Typist, isTyping: boolean): void {
    const data = { from: userId, ...(groupId !== undefined && { groupId }), isTyping };
    delivery.toUsers({ userIds: audience, event: 'typing_status_update', data, originSocketId: null });
  }

  /** Time has passed, or the typist has gone. Who may no longer hear of them hears nothing. */
  async function wake(typist: Typist, hasStopped = false): Promise<void> {
    await inTurn([keyOf(typist.place)], async () => {
      if (typistAt(typist.place) !== typist) return;
      const now = performance.now();
      const step = hasStopped ? afterSaying(typist.state, false, now) : afterTime(typist.state, now);
      if (step.told !== null) typist.audience = await audienceNow(typist.place);
      apply(typist, step);
    });
  }

  async function audienceNow(place: Place): Promise<readonly string[]> {
    try {
      return await place.findAudience();
    } catch (error) {
      if (!(error instanceof AppError)) onFailure(error);
      return [];
    }
  }

  return {
    handlers,

    /** The person's message was sent, so that nobody waits for it any more. Those who got it are the same who heard of it. */
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
