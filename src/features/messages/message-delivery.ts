import type { z } from 'zod';
import type { Delivery, PushEvents } from '../../core/delivery.ts';
import type { Entry } from './messages.rules.ts';

interface Push<Event extends z.ZodType, Name extends string> {
  event: Name;
  data: z.output<Event>;
  originSocketId: string | null;
}

/** Brings an event to everybody in the conversation of an entry: both people, or the room of the group. */
export function deliverAmong<Events extends PushEvents, Name extends keyof Events & string>(
  delivery: Delivery<Events>,
  { conversationId, senderId, receiverId }: Pick<Entry, 'conversationId' | 'senderId' | 'receiverId'>,
  push: Push<Events[Name], Name>,
): void {
  if (receiverId === undefined) delivery.toConversation({ conversationId, ...push });
  else delivery.toUsers({ userIds: [receiverId, senderId], ...push });
}
