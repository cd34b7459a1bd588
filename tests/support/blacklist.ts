import mongoose, { type Connection } from 'mongoose';
import { afterBlocking } from '../../src/features/friends/friends.rules.ts';
import { createRelationshipStore } from '../../src/features/friends/friends.store.ts';
import { buildUser, type TestUser } from './builders.ts';
import { startApp, type TestApp } from './start-app.ts';

/** For a suite a server, and a way to its database past it. */
export function describeServer() {
  const server = {} as { app: TestApp; database: Connection };
  before(async () => {
    server.app = await startApp();
    server.database = await mongoose.createConnection(server.app.mongodbUri).asPromise();
  });
  after(async () => {
    await server.database.close();
    await server.app.close();
  });
  return server;
}

export const two = ({ url }: TestApp) => Promise.all([buildUser(url), buildUser(url)]);
export const block = (person: TestUser, userId: unknown) =>
  person.rest('POST', '/api/friends/blacklist', { userId });
export const unblock = (person: TestUser, userId: string) =>
  person.rest('DELETE', `/api/friends/blacklist/${userId}`);
export const ask = (asker: TestUser, target: TestUser) =>
  asker.rest('POST', '/api/friends/add', { userId: target.id });
export const send = (from: TestUser, to: TestUser) =>
  from.rest('POST', `/api/messages/private/${to.id}`, { content: 'hello' });
export const relationOf = async (viewer: TestUser, other: TestUser) =>
  (await viewer.rest('GET', `/api/users/${other.id}`)).body.relation;
export const blacklistOf = async (person: TestUser) =>
  (await person.rest('GET', '/api/friends/blacklist')).body.items as { user: { id: string } }[];
export const requestsOf = async (person: TestUser, direction = 'incoming') =>
  (await person.rest('GET', `/api/friends/requests?direction=${direction}`)).body.items as {
    from: { id: string };
    to: { id: string };
  }[];

/** Pairs of a person and people whom nobody knows, in the database. */
export async function seedBlocked(database: Connection, person: TestUser, count: number): Promise<void> {
  const store = createRelationshipStore(database);
  const work = Array.from({ length: count }, () => new mongoose.Types.ObjectId().toHexString());
  while (work.length > 0)
    await Promise.all(
      work
        .splice(0, 100)
        .map((id) =>
          store.change([person.id, id], async (pair) => afterBlocking(pair, person.id, new Date())),
        ),
    );
}
