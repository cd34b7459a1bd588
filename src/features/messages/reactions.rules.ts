/** One emoji under a message: how many have set it, and who of them did first; the others are kept apart. */
export interface StoredReaction {
  emoji: string;
  count: number;
  /** The first 50. */
  userIds: string[];
}

/** Somebody who sets a reaction, or withdraws it. */
export interface Reacting {
  userId: string;
  emoji: string;
  active: boolean;
}

/** Of those who have set a reaction and are not named: whether this person is one, and who of them is first. */
interface Unnamed {
  isAmong: boolean;
  firstId: string | null;
}

export const mostEmojis = 20;
const mostNamed = 50;

export const nobodyUnnamed: Unnamed = { isAmong: false, firstId: null };

/** The reactions after somebody has set or withdrawn one; `null` if that changes nothing. */
export function afterReacting(
  reactions: readonly StoredReaction[],
  { userId, emoji, active }: Reacting,
  unnamed: Unnamed,
): StoredReaction[] | null {
  const found = reactions.find((reaction) => reaction.emoji === emoji);
  const isSet = unnamed.isAmong || (found?.userIds.includes(userId) ?? false);
  if (isSet === active) return null;
  if (!found) return [...reactions, { emoji, count: 1, userIds: [userId] }];
  const changed = active ? withOne(found, userId) : withoutOne(found, userId, unnamed.firstId);
  return reactions
    .map((reaction) => (reaction === found ? changed : reaction))
    .filter(({ count }) => count > 0);
}

function withOne({ emoji, count, userIds }: StoredReaction, userId: string): StoredReaction {
  return { emoji, count: count + 1, userIds: count < mostNamed ? [...userIds, userId] : userIds };
}

/** Where one of those who are named withdraws, the first of the others moves up. */
function withoutOne(
  { emoji, count, userIds }: StoredReaction,
  userId: string,
  firstId: string | null,
): StoredReaction {
  const named = userIds.filter((id) => id !== userId);
  const isNamed = named.length < userIds.length;
  return { emoji, count: count - 1, userIds: isNamed && firstId !== null ? [...named, firstId] : named };
}

/** Whether there are people who have set a reaction and are not named. */
export function hasUnnamed({ count, userIds }: StoredReaction): boolean {
  return count > userIds.length;
}

/** Who is to be kept apart after a change that has led to this, and who no more; nobody where all are named. */
export function keptApart(
  reaction: StoredReaction | undefined,
  { userId, active }: Reacting,
): { userId: string; isUnnamed: boolean }[] {
  if (!reaction || reaction.count < mostNamed) return [];
  const { userIds } = reaction;
  if (active) return userIds.includes(userId) ? [] : [{ userId, isUnnamed: true }];
  return [userId, ...userIds.slice(-1)].map((id) => ({ userId: id, isUnnamed: false }));
}
