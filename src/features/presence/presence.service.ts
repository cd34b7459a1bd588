import { withinDeadline } from '../../core/deadline.ts';
import type { Delivery } from '../../core/delivery.ts';
import { createAnnouncements } from './announcements.ts';
import { createAttendance } from './attendance.ts';
import { createLease } from './lease.ts';
import type { Presence, presenceEvents } from './presence.contract.ts';
import { canSeeLastSeen, hidden, type Person, presenceOf } from './presence.rules.ts';
import type { PresenceStore } from './presence.store.ts';
import { createRegister } from './register.ts';

interface PresenceDeps {
  store: PresenceStore;
  delivery: Delivery<typeof presenceEvents>;
  people: {
    /** Who has gone for good is left out. */
    findPeople(userIds: readonly string[]): Promise<Person[]>;
    touchLastSeen(times: ReadonlyMap<string, Date>): Promise<void>;
  };
  friendIdsOf(userId: string, upTo: number): Promise<string[]>;
  graceMs: number;
  leaseAliveMs: number;
  isSoleProcess: boolean;
  /** Something was not written or told; it is tried again at the next turn. */
  onFailure(error: unknown): void;
}

/** Who is here, on whichever device and process, and who hears of it. */
export function createPresence({ store, delivery, people, onFailure, ...deps }: PresenceDeps) {
  const lease = createLease({ store, aliveMs: deps.leaseAliveMs, isSoleProcess: deps.isSoleProcess });
  const attendance = createAttendance({
    graceMs: deps.graceMs,
    onArrived: (userId) => register.noteHere(userId),
    onGone: (userId, leftAt) => register.noteGone(userId, leftAt),
  });
  const announcements = createAnnouncements({
    delivery,
    findPeople: people.findPeople,
    friendIdsOf: deps.friendIdsOf,
    onlineAmong,
    // an event goes to other processes only if there are any
    reachableAmong: async (userIds) => (lease.hasOthers ? onlineAmong(userIds) : hereAmong(userIds)),
    onFailure,
  });
  const register = createRegister({
    store,
    lease,
    touchLastSeen: people.touchLastSeen,
    announce: announcements.note,
    onFailure,
  });
  let underWay: Promise<void> | null = null;
  let isClosed = false;

  const hereAmong = (userIds: readonly string[]) => new Set(userIds.filter(attendance.isHere));

  async function onlineAmong(userIds: readonly string[]): Promise<Set<string>> {
    const online = hereAmong(userIds);
    for (const { userId } of await lease.findElsewhere(userIds.filter((userId) => !online.has(userId))))
      online.add(userId);
    return online;
  }

  async function look(viewerIds: readonly string[], userIds: readonly string[]) {
    const [found, online] = await Promise.all([
      people.findPeople([...viewerIds, ...userIds]),
      onlineAmong(userIds),
    ]);
    const byId = new Map(found.map((person) => [person.id, person]));
    return (viewerId: string, userId: string): Presence => {
      const person = byId.get(userId);
      const isShown = person && canSeeLastSeen(byId.get(viewerId), person);
      return isShown ? presenceOf(person, online.has(userId)) : hidden;
    };
  }

  async function keepUp(): Promise<void> {
    if (isClosed) return;
    const isNew = await lease.renew();
    if (isNew) attendance.everybody().forEach(register.noteHere);
    for (const node of await lease.findOver()) await register.clearAway(node);
    await register.flush();
    await announcements.flush();
  }

  async function leave(): Promise<void> {
    await underWay?.catch(onFailure);
    attendance.close();
    await register.close();
  }

  return {
    arrived: attendance.arrived,
    left: attendance.left,

    /** What one viewer may know of several people, by person. */
    async seenBy(viewerId: string, userIds: readonly string[]): Promise<Map<string, Presence>> {
      const seen = await look([viewerId], userIds);
      return new Map(userIds.map((userId) => [userId, seen(viewerId, userId)]));
    },

    /** What several viewers may know of one person, by viewer. */
    async shownTo(viewerIds: readonly string[], userId: string): Promise<Map<string, Presence>> {
      const seen = await look(viewerIds, [userId]);
      return new Map(viewerIds.map((viewerId) => [viewerId, seen(viewerId, userId)]));
    },

    /** Friends are to hear what they may see of somebody now that it has changed. */
    privacyChanged: (userId: string): void => announcements.note(userId, 'privacy'),

    /** Renews the lease, clears up after processes that died, and tries again what failed. */
    keepUp(): Promise<void> {
      underWay ??= keepUp().finally(() => {
        underWay = null;
      });
      return underWay;
    },

    /** Everybody leaves. What this process held goes with it, or is left to the others, who tell the friends. */
    async close(): Promise<void> {
      isClosed = true;
      // a database that hangs must not keep the process from ending; the lease ends by itself
      await withinDeadline(leave()).catch(onFailure);
    },
  };
}
