import { isDeepStrictEqual } from 'node:util';
import { expect } from 'chai';
import type { Group, GroupMember } from '../../src/features/groups/groups.contract.ts';
import type { Message } from '../../src/features/messages/messages.contract.ts';
import type { TestUser } from './builders.ts';
import {
  type Act,
  type Answer,
  type Circumstances,
  type GroupModel,
  isMuted,
  perform,
  roleOf,
  type Told,
} from './group-model.ts';

/** Every list of a group says what the model says. */
export async function checkLists(owner: TestUser, groupId: string, model: GroupModel): Promise<void> {
  const bodyOf = async (path: string) => (await owner.rest('GET', `/api/groups/${groupId}${path}`)).body;
  const [shown, members, asking, barred, announced] = await Promise.all([
    bodyOf(''),
    bodyOf('/members'),
    bodyOf('/requests'),
    bodyOf('/barred'),
    bodyOf('/announcement'),
  ]);
  const { memberIds, ownerId, name, joinMode, isMutedAll: mutedAll, whoCanInvite } = model;
  expect(shown).to.deep.include({ memberCount: memberIds.length, ownerId, name, joinMode, mutedAll });
  expect((shown as unknown as Group).settings.whoCanInvite).to.equal(whoCanInvite);
  const listed = members.items as GroupMember[];
  expect(Object.fromEntries(listed.map(({ user, role }) => [user.id, role]))).to.deep.equal(rolesIn(model));
  expect(new Set(listed.map(({ role }) => role)).size, 'owner, admins, members').to.equal(
    listed.filter(({ role }, index) => role !== listed[index - 1]?.role).length,
  );
  const muted = listed.filter(({ mutedUntil }) => mutedUntil !== null).map(({ user }) => user.id);
  expect(muted).to.have.members(memberIds.filter((id) => isMuted(model, id)));
  expect(announced.content).to.equal(model.announcement);
  expect(idsIn(asking)).to.have.members([...model.askingIds]);
  expect(idsIn(barred)).to.have.members([...model.barredIds]);
}

export const rolesIn = (model: GroupModel) =>
  Object.fromEntries(model.memberIds.map((userId) => [userId, roleOf(model, userId)]));

const idsIn = (page: Record<string, unknown>) =>
  (page.items as { user: { id: string } }[]).map(({ user }) => user.id);

/** What the log says above a place. */
export async function readTold(reader: TestUser, groupId: string, aboveSeq: number): Promise<Told[]> {
  const { body } = await reader.rest('POST', '/api/sync', {
    conversations: { [groupId]: aboveSeq },
    partial: true,
    limit: 500,
  });
  const entries = (body.items as { entries: Message[] }[]).flatMap((item) => item.entries);
  expect(entries.map(({ seq }) => seq)).to.deep.equal(entries.map((_, index) => aboveSeq + index + 1));
  return entries.map(toTold);
}

function toTold({ contentType, senderId, content }: Message): Told {
  if (contentType !== 'system') return { event: 'message', data: { senderId } };
  const { event, data } = content as unknown as Told;
  const {
    groupId: _,
    conversationId: __,
    seq: ___,
    announcementId: ____,
    ...told
  } = data as Record<string, unknown>;
  if (typeof told.mutedUntil === 'string') told.mutedUntil = 'later';
  return { event, data: told };
}

/** What was done at once, and what came of it. */
export interface Happened {
  acts: readonly Act[];
  answers: readonly Answer[];
  /** What the log says of it; `null` if nobody is left to read it. */
  told: readonly Told[] | null;
}

/** What comes of it, done in an order in which it comes to these answers and to this log. */
export function inSomeOrder(
  group: GroupModel,
  happened: Happened,
  circumstances: Circumstances,
): { group: GroupModel; told: Told[] } {
  for (const order of ordersOf(happened.acts.map((_, index) => index))) {
    let after = group;
    const told: Told[] = [];
    const isSo = order.every((index) => {
      const outcome = perform(after, happened.acts[index] as Act, circumstances);
      after = outcome.group;
      told.push(...outcome.told);
      return outcome.answer === happened.answers[index];
    });
    if (isSo && isDeepStrictEqual(told, happened.told ?? told)) return { group: after, told };
  }
  throw new Error(`No order explains this: ${JSON.stringify({ group, ...happened }, null, 1)}`);
}

function ordersOf(indexes: readonly number[]): number[][] {
  if (indexes.length === 0) return [[]];
  return indexes.flatMap((first) =>
    ordersOf(indexes.filter((index) => index !== first)).map((rest) => [first, ...rest]),
  );
}
