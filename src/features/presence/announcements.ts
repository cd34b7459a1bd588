import type { Delivery } from '../../core/delivery.ts';
import { createChangeQueue } from './change-queue.ts';
import type { presenceEvents } from './presence.contract.ts';
import { hidden, type Person, presenceOf } from './presence.rules.ts';

/** Why friends are to hear of somebody. `privacy`: who may see them has changed. */
type Reason = 'online' | 'offline' | 'privacy';

interface AnnouncementsDeps {
  delivery: Pick<Delivery<typeof presenceEvents>, 'toUsers'>;
  findPeople(userIds: readonly string[]): Promise<Person[]>;
  friendIdsOf(userId: string, upTo: number): Promise<string[]>;
  onlineAmong(userIds: readonly string[]): Promise<Set<string>>;
  /** Who of these people can be reached by an event now. */
  reachableAmong(userIds: readonly string[]): Promise<Set<string>>;
  onFailure(error: unknown): void;
}

const announceEveryMs = 100;
const peopleAtOnce = 20;
const mostFriends = 3000;

/**
 * Tells friends who has come and gone, as it is when they are told, and as far as both sides' privacy lets them know.
 * Costs one read per person who came or went, and a few for all of them.
 */
export function createAnnouncements({ delivery, ...deps }: AnnouncementsDeps) {
  const queue = createChangeQueue<Reason>({
    everyMs: announceEveryMs,
    carryOut: announce,
    // whoever hides and leaves at once has to be hidden, not just gone
    merge: (before, after) => (before === 'privacy' ? before : after),
    onFailure: deps.onFailure,
  });

  async function announce(reasons: ReadonlyMap<string, Reason>): Promise<void> {
    const userIds = [...reasons.keys()];
    const [people, online] = await Promise.all([deps.findPeople(userIds), deps.onlineAmong(userIds)]);
    const news = people.filter(({ id, showsLastSeen }) => {
      const reason = reasons.get(id);
      return reason === 'privacy' || (showsLastSeen && online.has(id) === (reason === 'online'));
    });
    for (let first = 0; first < news.length; first += peopleAtOnce)
      await tellFriends(news.slice(first, first + peopleAtOnce), online);
  }

  async function tellFriends(people: readonly Person[], online: ReadonlySet<string>): Promise<void> {
    const friends = await Promise.all(
      people.map(async (person) => ({ person, friendIds: await deps.friendIdsOf(person.id, mostFriends) })),
    );
    const everyFriend = new Set(friends.flatMap(({ friendIds }) => friendIds));
    const reachable = await deps.reachableAmong([...everyFriend]);
    const found = reachable.size > 0 ? await deps.findPeople([...reachable]) : [];
    const viewers = new Set(found.filter(({ showsLastSeen }) => showsLastSeen).map(({ id }) => id));
    for (const { person, friendIds } of friends) {
      const userIds = friendIds.filter((friendId) => viewers.has(friendId));
      const presence = person.showsLastSeen ? presenceOf(person, online.has(person.id)) : hidden;
      const data = { userId: person.id, ...presence };
      delivery.toUsers({ userIds, event: 'user_presence', data, originSocketId: null });
    }
  }

  return { note: queue.note, flush: queue.flush };
}
