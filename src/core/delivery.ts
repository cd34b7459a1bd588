import type { z } from 'zod';

/** The events that a server pushes: name → shape of their data. Declared beside the operations in the contracts. */
export type PushEvents = Readonly<Record<string, z.ZodType>>;

/**
 * Brings events to live sockets. A push is a hint: it may be missed or doubled, and `seq` tells (promise 6),
 * so it is never awaited and never fails.
 */
export interface Delivery<Events extends PushEvents> {
  /** To every socket of these people but the acting one. */
  toUsers<Name extends keyof Events & string>(push: {
    userIds: readonly string[];
    event: Name;
    data: z.output<Events[Name]>;
    originSocketId: string | null;
  }): void;
  /** To every socket in the conversation's room but the acting one and, if given, all those of some people. */
  toConversation<Name extends keyof Events & string>(push: {
    conversationId: string;
    event: Name;
    data: z.output<Events[Name]>;
    originSocketId: string | null;
    exceptUserIds?: readonly string[];
  }): void;
}

/** A membership of a group as it is now. */
export interface GroupMove {
  conversationId: string;
  userId: string;
  isMember: boolean;
}

/**
 * Who hears what is pushed to a conversation: all sockets of its members on this process, those that are just coming in
 * included. Admitting, dismissing and closing are done when the call returns: what is pushed next reaches who was admitted
 * and not who was dismissed. Repeating one is harmless.
 */
export interface ConversationRooms {
  admit(conversationId: string, userIds: readonly string[]): void;
  dismiss(conversationId: string, userIds: readonly string[]): void;
  /** Dismisses everybody. */
  close(conversationId: string): void;
  /**
   * Makes the moves of these people that a read of the memberships answers, but for those that were made otherwise while it
   * was under way: it may be older than they are. Fails as the read does.
   */
  follow(userIds: readonly string[], findMoves: () => Promise<readonly GroupMove[]>): Promise<void>;
}
