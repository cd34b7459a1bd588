import { randomBytes } from 'node:crypto';
import { type Connection, Types } from 'mongoose';
import { createGroupMembershipChangeStore } from '../src/features/conversations/group-membership-changes.store.ts';
import { createHeadStore } from '../src/features/conversations/heads.store.ts';
import { createMembershipStore } from '../src/features/conversations/memberships.store.ts';
import { afterAccepting, afterAsking } from '../src/features/friends/friends.rules.ts';
import { createRelationshipStore, pairIdOf } from '../src/features/friends/friends.store.ts';
import { createGroupStore } from '../src/features/groups/groups.store.ts';
import { emptyHead } from '../src/features/messages/messages.contract.ts';
import { type Entry, headOf, placeAbove } from '../src/features/messages/messages.rules.ts';
import { createMessageStore } from '../src/features/messages/messages.store.ts';
import { createSessionStore } from '../src/features/sessions/sessions.store.ts';
import { openPrivacy } from '../src/features/users/users.rules.ts';
import { createUserStore } from '../src/features/users/users.store.ts';
import { createDatabase } from '../src/platform/database.ts';
import { createTokens } from '../src/platform/tokens.ts';
import type { Pair, Person } from './load-protocol.ts';

const lifetimeSeconds = 86_400;
const atOnce = 50;
const perJoining = 500;

/** People for the servers that know none: the token is the id. */
export function inventPairs(count: number): Pair[] {
  return Array.from({ length: count }, () => ({ sender: inventPerson(), receiver: inventPerson() }));
}

export function inventPerson(): Person {
  const userId = randomBytes(12).toString('hex');
  return { userId, token: userId };
}

interface SeedInput {
  uri: string;
  jwtSecret: string;
  count: number;
}

/** Pairs of friends, each person with a session, written by Parley's own stores; registering would be rate limited. */
export function seedPairs(input: SeedInput): Promise<Pair[]> {
  return seed(input, ({ createFriends }) => createFriends());
}

/** People with a session each. */
export function seedPeople(input: SeedInput): Promise<Person[]> {
  return seed(input, ({ createPerson }) => createPerson());
}

async function seed<T>(
  { uri, jwtSecret, count }: SeedInput,
  create: (seeder: ReturnType<typeof createSeeder>) => Promise<T>,
): Promise<T[]> {
  const database = createDatabase(uri);
  const seeder = createSeeder(database.connection, jwtSecret);
  await database.open();
  const created: T[] = [];
  while (created.length < count) {
    const step = Math.min(atOnce, count - created.length);
    created.push(...(await Promise.all(Array.from({ length: step }, () => create(seeder)))));
  }
  await database.close();
  return created;
}

function createSeeder(connection: Connection, jwtSecret: string) {
  const users = createUserStore(connection);
  const sessions = createSessionStore(connection);
  const relationships = createRelationshipStore(connection);
  const tokens = createTokens({ secret: jwtSecret, accessLifetimeSeconds: lifetimeSeconds });

  async function createPerson(): Promise<Person> {
    const value = `${randomBytes(12).toString('hex')}@example.com`;
    const user = await users.create({
      nickname: 'Somebody',
      contact: { kind: 'email', value },
      emailVerified: false,
      privacy: openPrivacy,
      passwordHash: 'none',
    });
    if (!user) throw new Error('The e-mail is taken');
    const sessionId = sessions.newId();
    const now = new Date();
    await sessions.create({
      id: sessionId,
      userId: user.id,
      deviceName: null,
      address: '127.0.0.1',
      createdAt: now,
      lastSeenAt: now,
      refreshHash: tokens.hash(tokens.firstRefresh(sessionId)),
      expiresAt: new Date(now.getTime() + lifetimeSeconds * 1000),
    });
    return { userId: user.id, token: tokens.issueAccess({ userId: user.id, sessionId }) };
  }

  async function befriend(sender: Person, receiver: Person): Promise<void> {
    const asking = { askerId: sender.userId, targetId: receiver.userId, message: null };
    await relationships.change([sender.userId, receiver.userId], async (pair) => {
      const now = new Date();
      return afterAccepting(afterAsking(pair, { ...asking, now }), receiver.userId, now);
    });
  }

  return {
    createPerson,
    befriend,
    async createFriends(): Promise<Pair> {
      const [sender, receiver] = await Promise.all([createPerson(), createPerson()]);
      await befriend(sender, receiver);
      return { sender, receiver };
    },
  };
}

interface AwaySeed {
  uri: string;
  jwtSecret: string;
  conversations: number;
  messagesEach: number;
}

/** Somebody with many friends who have all written to them; answers them and the ids of the conversations. */
export async function seedConversations({ uri, jwtSecret, conversations, messagesEach }: AwaySeed) {
  const database = createDatabase(uri);
  const seeder = createSeeder(database.connection, jwtSecret);
  const memberships = createMembershipStore(database.connection);
  const messages = createMessageStore(database.connection);
  const heads = createHeadStore(database.connection);
  await database.open();
  const person = await seeder.createPerson();
  const conversationIds: string[] = [];
  for (let at = 0; at < conversations; at++) {
    const friend = await seeder.createPerson();
    await seeder.befriend(friend, person);
    const conversationId = pairIdOf(friend.userId, person.userId);
    await memberships.createPair(conversationId, [friend.userId, person.userId]);
    const log = inventLog(
      { conversationId, senderId: friend.userId, receiverId: person.userId },
      messagesEach,
    );
    const entries = log.map((entry) => ({ ...entry, id: messages.newId() }));
    await messages.append(entries);
    await heads.raise(new Map(entries.slice(-1).map((last) => [conversationId, headOf(last)])));
    conversationIds.push(conversationId);
  }
  await database.close();
  return { person, conversationIds };
}

function inventLog(
  between: Pick<Entry, 'conversationId' | 'senderId' | 'receiverId'>,
  count: number,
): Omit<Entry, 'id'>[] {
  let head = emptyHead;
  return Array.from({ length: count }, (_, at) => {
    const placement = placeAbove(head, between, new Date());
    head = headOf(placement);
    return {
      ...between,
      ...placement,
      type: 'private',
      clientMessageId: `seed-${between.conversationId}-${at}`,
      requestHash: '',
      contentType: 'text',
      content: `${at} and some words more, as people write them in a chat`,
      rev: 1,
    };
  });
}

interface MemberSeed {
  uri: string;
  groupId: string;
  count: number;
}

/** Puts invented people into a group, faster than they could join it. */
export async function seedMembers({ uri, groupId, count }: MemberSeed): Promise<void> {
  const database = createDatabase(uri);
  const memberships = createGroupMembershipChangeStore(database.connection);
  const groups = createGroupStore(database.connection);
  await database.open();
  const [group] = await groups.findAlive([groupId]);
  if (!group) throw new Error('There is no group to put people into');
  const userIds = await copyPeople(database.connection, group.ownerId, count);
  const change = { version: group.version, at: new Date(), joinSeq: 1, seesHistory: false };
  for (let at = 0; at < count; at += perJoining) {
    const members = userIds.slice(at, at + perJoining).map((userId) => ({ userId, role: 'member' as const }));
    await memberships.join(groupId, { ...change, members });
  }
  await database.connection
    .collection('groups')
    .updateOne({ _id: new Types.ObjectId(groupId) }, { $inc: { memberCount: count } });
  await database.close();
}

async function copyPeople(connection: Connection, likeId: string, count: number): Promise<string[]> {
  const users = connection.collection('users');
  const found = await users.findOne({ _id: new Types.ObjectId(likeId) });
  const { email: _, ...person } = (found ?? {}) as Record<string, unknown>;
  const ids = Array.from({ length: count }, () => new Types.ObjectId());
  for (let at = 0; at < count; at += perJoining)
    await users.insertMany(ids.slice(at, at + perJoining).map((_id) => ({ ...person, _id })));
  return ids.map((id) => id.toHexString());
}
