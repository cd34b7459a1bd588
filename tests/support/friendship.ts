import mongoose from 'mongoose';
import { pairIdOf } from '../../src/features/friends/friends.store.ts';
import type { TestUser } from './builders.ts';
import type { TestApp } from './start-app.ts';

/** Runs work on an app's database, past the app. */
export async function onDatabase<T>(
  { mongodbUri }: Pick<TestApp, 'mongodbUri'>,
  work: (connection: mongoose.Connection) => Promise<T>,
): Promise<T> {
  const connection = await mongoose.createConnection(mongodbUri).asPromise();
  try {
    return await work(connection);
  } finally {
    await connection.close();
  }
}

/** Two people are friends no more, without anybody having been told. */
export async function endFriendship(app: TestApp, one: TestUser, other: TestUser): Promise<void> {
  const _id = new mongoose.Types.ObjectId(pairIdOf(one.id, other.id));
  await onDatabase(app, async (connection) => {
    const change = { $set: { friendIds: [], since: null }, $inc: { version: 1 } };
    await connection.collection('relationships').updateOne({ _id }, change);
  });
}
