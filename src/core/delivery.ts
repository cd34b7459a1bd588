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

  /** To every socket in the room of a conversation but the acting one, and all of a person's where they are left out. */
  toConversation<Name extends keyof Events & string>(push: {
    conversationId: string;
    event: Name;
    data: z.output<Events[Name]>;
    originSocketId: string | null;
    exceptUserId?: string;
  }): void;
}

/** Moves all sockets of people into and out of the rooms of conversations, at once: the next push finds them there. */
export interface ConversationRooms {
  admit(conversationId: string, userIds: readonly string[]): void;
  dismiss(conversationId: string, userIds: readonly string[]): void;
  /** Everybody out. */
  close(conversationId: string): void;
}
