import type { ConversationRooms, Delivery } from '../../core/delivery.ts';
import type { Conversation, conversationsEvents } from '../conversations/conversations.contract.ts';
import type { User } from '../users/users.contract.ts';
import { isMember } from './authority.rules.ts';
import type { groupsEvents } from './groups.contract.ts';
import type { GroupMembership, GroupRecord, OutboxItem } from './groups.rules.ts';

interface NewsDeps {
  delivery: Delivery<typeof groupsEvents & typeof conversationsEvents>;
  rooms: ConversationRooms;
  /** How a conversation stands for one of its members; `null` if they are in it no more. */
  conversationFor(userId: string, conversationId: string): Promise<Conversation | null>;
  /** What these people are, or were, in a group. */
  findPeople(groupId: string, userIds: readonly string[]): Promise<ReadonlyMap<string, GroupMembership>>;
  usersFor(viewerId: string, userIds: readonly string[]): Promise<Map<string, User>>;
  /** Whether anybody would hear what is told to a person but not to the acting socket. */
  isHeard(userId: string, originSocketId: string | null): boolean;
  onFailure(error: unknown): void;
}

/** A change that is done. */
interface News {
  group: GroupRecord;
  item: OutboxItem;
  /** Its place in the log; `null` where the log says nothing. */
  seq: number | null;
  /** Somebody else has brought it into the log, and told it. */
  isRepeat: boolean;
  originSocketId: string | null;
}

/** More, and what others ask of the database would wait for them. */
const readAtOnce = 4;

export type TellGroup = ReturnType<typeof createGroupNews>;

/**
 * Tells of changes, and moves sockets with them: who is added hears `conversation_updated` first, who is removed hears of
 * it and nothing more. What is told is a hint and never fails; the moves are not.
 */
export function createGroupNews({ delivery, rooms, ...deps }: NewsDeps) {
  return async (news: News): Promise<void> => {
    const { group, item, isRepeat, originSocketId } = news;
    if (isRepeat) return follow(news);
    const joining = joiningIn(item);
    const shown = await conversationsFor(group.id, joining, { item, originSocketId });
    // from here on without a pause, so that nothing is pushed in between
    rooms.admit(group.id, joining);
    for (const { userId, conversation } of shown)
      delivery.toUsers({
        userIds: [userId],
        event: 'conversation_updated',
        data: conversation,
        originSocketId,
      });
    tellMembers(news);
    rooms.dismiss(group.id, leavingIn(item));
    if (item.change?.event === 'group_dissolved') rooms.close(group.id);
    await tellOthers(news).catch(deps.onFailure);
  };

  /** What others have done and told may be over already, so sockets go where the memberships say. */
  async function follow({ group: { id }, item }: News): Promise<void> {
    const userIds = [...joiningIn(item), ...leavingIn(item)];
    if (userIds.length > 0)
      await rooms.follow(userIds, async () => {
        const people = await deps.findPeople(id, userIds);
        return userIds.map((userId) => ({
          conversationId: id,
          userId,
          isMember: isMember({ people }, userId),
        }));
      });
    if (item.change?.event === 'group_dissolved') rooms.close(id);
  }

  function tellMembers({ group: { id }, item: { change }, seq }: News): void {
    if (!change || seq === null) return;
    delivery.toConversation({
      conversationId: id,
      event: change.event,
      data: { groupId: id, conversationId: id, seq, ...change.data } as never,
      originSocketId: null,
    });
  }

  /** Who is not in the group, and who decides on them. */
  async function tellOthers({ group, item: { aftermath } }: News): Promise<void> {
    if (aftermath.rejected !== undefined)
      delivery.toUsers({
        userIds: [aftermath.rejected],
        event: 'group_join_rejected',
        data: { groupId: group.id },
        originSocketId: null,
      });
    if (aftermath.requested) await tellAdmins(group, aftermath.requested);
  }

  async function conversationsFor(
    groupId: string,
    userIds: readonly string[],
    { item, originSocketId }: Pick<News, 'item' | 'originSocketId'>,
  ) {
    const originOf = (userId: string) => (userId === item.actorId ? originSocketId : null);
    const heard = userIds.filter((userId) => deps.isHeard(userId, originOf(userId)));
    const found = await inSteps(heard, async (userId) => {
      const conversation = await deps.conversationFor(userId, groupId).catch(deps.onFailure);
      return conversation ? [{ userId, conversation }] : [];
    });
    return found.flat();
  }

  /** Each admin in their own view of who asks. */
  async function tellAdmins(
    { id, ownerId, adminIds }: GroupRecord,
    { userIds, message }: { userIds: readonly string[]; message: string | null },
  ): Promise<void> {
    const heard = [ownerId, ...adminIds].filter((adminId) => deps.isHeard(adminId, null));
    await inSteps(heard, async (adminId) => {
      for (const user of (await deps.usersFor(adminId, userIds)).values()) {
        const data = { groupId: id, user, message };
        delivery.toUsers({ userIds: [adminId], event: 'group_join_requested', data, originSocketId: null });
      }
    });
  }
}

/** Asks for a few people at a time, in their order. */
async function inSteps<T>(userIds: readonly string[], ask: (userId: string) => Promise<T>): Promise<T[]> {
  const answers: T[] = [];
  for (let at = 0; at < userIds.length; at += readAtOnce)
    answers.push(...(await Promise.all(userIds.slice(at, at + readAtOnce).map(ask))));
  return answers;
}

function leavingIn({ change }: OutboxItem): readonly string[] {
  const isLeaving = change?.event === 'group_member_left' || change?.event === 'group_member_removed';
  return isLeaving ? [change.data.userId] : [];
}

function joiningIn({ change }: OutboxItem): readonly string[] {
  if (change?.event === 'group_created') return change.data.members.map(({ userId }) => userId);
  return change?.event === 'group_member_joined' ? change.data.userIds : [];
}
