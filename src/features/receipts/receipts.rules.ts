interface Sent {
  id: string;
  seq: number;
}

/** Up to so many messages are told one by one; of more the highest says it all. */
const mostToldEach = 20;

/** How many messages have to be looked at to know which are told. */
export const mostLookedAt = mostToldEach + 1;

/** In a larger group readers are counted and not listed. */
export const mostMembersListed = 200;

/** Which of a sender's messages that a mark has passed are told, in their order. `newestFirst` may be cut off. */
export function receiptsFor(newestFirst: readonly Sent[]): Sent[] {
  return newestFirst.length > mostToldEach ? newestFirst.slice(0, 1) : newestFirst.toReversed();
}
