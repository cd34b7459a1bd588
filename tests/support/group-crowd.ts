import type { Connection } from 'mongoose';
import { Types } from 'mongoose';

const perWrite = 1000;

/** Puts so many people into a group who are like one of its members, faster than they could join. Answers their ids. */
export async function addCrowd(
  connection: Connection,
  { groupId, likeId, count }: { groupId: string; likeId: string; count: number },
): Promise<string[]> {
  const of = (name: string) => connection.collection(name);
  const [user, membership] = await Promise.all([
    of('users').findOne({ _id: new Types.ObjectId(likeId) }),
    of('memberships').findOne({
      conversationId: new Types.ObjectId(groupId),
      userId: new Types.ObjectId(likeId),
    }),
  ]);
  const { email: _, ...person } = (user ?? {}) as Record<string, unknown>;
  const ids = Array.from({ length: count }, () => new Types.ObjectId());
  for (let at = 0; at < count; at += perWrite) {
    const some = ids.slice(at, at + perWrite);
    await of('users').insertMany(some.map((_id) => ({ ...person, _id })));
    await of('memberships').insertMany(
      some.map((userId) => ({
        ...membership,
        _id: new Types.ObjectId(),
        userId,
        order: `2:000000000001:${userId.toHexString()}`,
      })),
    );
  }
  await of('groups').updateOne({ _id: new Types.ObjectId(groupId) }, { $inc: { memberCount: count } });
  return ids.map((id) => id.toHexString());
}
