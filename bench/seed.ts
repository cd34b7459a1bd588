import { randomBytes } from 'node:crypto';
import type { Connection } from 'mongoose';
import { afterAccepting, afterAsking } from '../src/features/friends/friends.rules.ts';
import { createRelationshipStore } from '../src/features/friends/friends.store.ts';
import { createSessionStore } from '../src/features/sessions/sessions.store.ts';
import { openPrivacy } from '../src/features/users/users.rules.ts';
import { createUserStore } from '../src/features/users/users.store.ts';
import { createDatabase } from '../src/platform/database.ts';
import { createTokens } from '../src/platform/tokens.ts';
import type { Pair, Person } from './load-protocol.ts';

const lifetimeSeconds = 86_400;
const atOnce = 50;

/** People for the servers that know none: the token is the id. */
export function inventPairs(count: number): Pair[] {
  const invent = (): Person => {
    const userId = randomBytes(12).toString('hex');
    return { userId, token: userId };
  };
  return Array.from({ length: count }, () => ({ sender: invent(), receiver: invent() }));
}

interface SeedInput {
  uri: string;
  jwtSecret: string;
  count: number;
}

/** Pairs of friends, each person with a session, written by Parley's own stores; registering would be rate limited. */
export async function seedPairs({ uri, jwtSecret, count }: SeedInput): Promise<Pair[]> {
  const database = createDatabase(uri);
  const seeder = createSeeder(database.connection, jwtSecret);
  await database.open();
  const pairs: Pair[] = [];
  while (pairs.length < count) {
    const step = Math.min(atOnce, count - pairs.length);
    pairs.push(...(await Promise.all(Array.from({ length: step }, seeder.createFriends))));
  }
  await database.close();
  return pairs;
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

  return {
    async createFriends(): Promise<Pair> {
      const [sender, receiver] = await Promise.all([createPerson(), createPerson()]);
      const asking = { askerId: sender.userId, targetId: receiver.userId, message: null };
      await relationships.change([sender.userId, receiver.userId], async (pair) => {
        const now = new Date();
        return afterAccepting(afterAsking(pair, { ...asking, now }), receiver.userId, now);
      });
      return { sender, receiver };
    },
  };
}
