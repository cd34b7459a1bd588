import type { ErrorCode } from '../../src/core/errors.ts';
import type {
  GroupChange,
  GroupSettings,
  JoinMode,
  Role,
} from '../../src/features/groups/groups.contract.ts';

/** A group as the documents say it has to be, without anything that keeps it. */
export interface GroupModel {
  ownerId: string;
  adminIds: readonly string[];
  memberIds: readonly string[];
  barredIds: readonly string[];
  askingIds: readonly string[];
  mutedIds: readonly string[];
  isMutedAll: boolean;
  announcement: string;
  name: string;
  joinMode: JoinMode;
  whoCanInvite: GroupSettings['whoCanInvite'];
  isDissolved: boolean;
}

export const actsAlone = [
  'join',
  'withdraw',
  'leave',
  'muteAll',
  'unmuteAll',
  'say',
  'call',
  'dissolve',
] as const;
type Alone = (typeof actsAlone)[number];
type OnSomebody =
  | 'invite'
  | 'accept'
  | 'reject'
  | 'kick'
  | 'bar'
  | 'unbar'
  | 'promote'
  | 'demote'
  | 'transfer'
  | 'mute'
  | 'unmute';
export type Changes = { name: string } | { joinMode: JoinMode } | Pick<GroupModel, 'whoCanInvite'>;

/** What somebody does in a group. */
export type Act =
  | { do: Alone; by: string }
  | { do: OnSomebody; by: string; on: string }
  | { do: 'update'; by: string; changes: Changes }
  | { do: 'announce'; by: string; content: string };

/** What the log says, as far as it can be foretold. */
export type Told = { event: GroupChange['event'] | 'message'; data: object };
export type Answer = 'ok' | 'pending' | ErrorCode;

export interface Outcome {
  answer: Answer;
  group: GroupModel;
  told: Told[];
}

export interface Circumstances {
  mostMembers: number;
  areFriends(one: string, other: string): boolean;
}

const without = (ids: readonly string[], id: string) => ids.filter((one) => one !== id);
const withOne = (ids: readonly string[], id: string) => [...without(ids, id), id].sort();

/** A mute from before binds nobody who has become the owner. */
export function isMuted({ mutedIds, ownerId }: GroupModel, userId: string): boolean {
  return mutedIds.includes(userId) && userId !== ownerId;
}

export function roleOf({ ownerId, adminIds, memberIds }: GroupModel, userId: string): Role | null {
  if (userId === ownerId) return 'owner';
  if (adminIds.includes(userId)) return 'admin';
  return memberIds.includes(userId) ? 'member' : null;
}

/** What comes of an act. */
export function perform(group: GroupModel, act: Act, circumstances: Circumstances): Outcome {
  const answered = (answer: Answer, changes: Partial<GroupModel> = {}, ...told: Told[]): Outcome => ({
    answer,
    group: { ...group, ...changes },
    told,
  });
  if (group.isDissolved) return answered('not_found');
  if (act.do === 'join' || act.do === 'withdraw') return performOutside(group, act, circumstances, answered);
  const role = roleOf(group, act.by);
  if (role === null) return answered('not_found');
  if ('on' in act) return performOn(group, act, circumstances, answered);
  return performInside(group, act, role, answered);
}

type Answered = (answer: Answer, changes?: Partial<GroupModel>, ...told: Told[]) => Outcome;

function performOutside(
  group: GroupModel,
  { do: what, by }: { do: string; by: string },
  circumstances: Circumstances,
  answered: Answered,
): Outcome {
  const isAsking = group.askingIds.includes(by);
  if (what === 'withdraw')
    return isAsking ? answered('ok', { askingIds: without(group.askingIds, by) }) : answered('not_found');
  if (group.memberIds.includes(by)) return answered('ok');
  if (group.joinMode === 'invite' || group.joinMode === 'closed') return answered('not_found');
  if (group.barredIds.includes(by)) return answered('not_allowed');
  if (group.joinMode === 'approval') return answered('pending', { askingIds: withOne(group.askingIds, by) });
  return letIn(group, { userId: by, byId: by, via: 'join' }, circumstances, answered);
}

function letIn(
  { memberIds, askingIds, barredIds }: GroupModel,
  { userId, byId, via }: { userId: string; byId: string; via: string },
  { mostMembers }: Circumstances,
  answered: Answered,
): Outcome {
  if (barredIds.includes(userId)) return answered('not_allowed');
  if (memberIds.length >= mostMembers) return answered('limit_reached');
  return answered(
    'ok',
    { memberIds: withOne(memberIds, userId), askingIds: without(askingIds, userId) },
    { event: 'group_member_joined', data: { userIds: [userId], byId, via } },
  );
}

function performInside(
  group: GroupModel,
  act: Extract<Act, { do: Alone | 'update' | 'announce' }>,
  role: Role,
  answered: Answered,
): Outcome {
  const { by } = act;
  if (act.do === 'leave') {
    if (role === 'owner') return answered('owner_cannot_leave');
    return answered('ok', gone(group, by), { event: 'group_member_left', data: { userId: by } });
  }
  if (act.do === 'say' || act.do === 'call') {
    if (isMuted(group, by) || (group.isMutedAll && role === 'member')) return answered('muted');
    if (act.do === 'call' && role === 'member') return answered('not_allowed');
    return answered('ok', {}, { event: 'message', data: { senderId: by } });
  }
  if (role === 'member') return answered('not_allowed');
  if (act.do === 'update') return update(group, by, act.changes, answered);
  if (act.do === 'announce') {
    const { content: announcement } = act;
    if (announcement === group.announcement) return answered('ok');
    const data = { announcement, byId: by };
    return answered('ok', { announcement }, { event: 'group_announcement_updated', data });
  }
  if (act.do === 'dissolve') {
    if (role !== 'owner') return answered('not_allowed');
    return answered('ok', { isDissolved: true }, { event: 'group_dissolved', data: {} });
  }
  const isMutedAll = act.do === 'muteAll';
  if (group.isMutedAll === isMutedAll) return answered('ok');
  const data = { changes: { mutedAll: isMutedAll }, byId: by };
  return answered('ok', { isMutedAll }, { event: 'group_updated', data });
}

function update(group: GroupModel, byId: string, changes: Changes, answered: Answered): Outcome {
  const [[name, value] = ['', '']] = Object.entries(changes);
  if (group[name as keyof GroupModel] === value) return answered('ok');
  const told = 'whoCanInvite' in changes ? { settings: changes } : changes;
  return answered('ok', changes, { event: 'group_updated', data: { changes: told, byId } });
}

const gone = ({ memberIds, adminIds }: GroupModel, userId: string) => ({
  memberIds: without(memberIds, userId),
  adminIds: without(adminIds, userId),
});

function performOn(
  group: GroupModel,
  act: Extract<Act, { on: string }>,
  circumstances: Circumstances,
  answered: Answered,
): Outcome {
  const { by, on } = act;
  const role = roleOf(group, by);
  if (act.do === 'invite') return invite(group, act, circumstances, answered);
  if (act.do === 'promote' || act.do === 'demote' || act.do === 'transfer')
    return role === 'owner' ? giveRole(group, act, answered) : answered('not_allowed');
  if (role === 'member') return answered('not_allowed');
  switch (act.do) {
    case 'accept':
      if (group.askingIds.includes(on))
        return letIn(group, { userId: on, byId: by, via: 'request' }, circumstances, answered);
      return answered(group.memberIds.includes(on) ? 'ok' : 'not_found');
    case 'reject':
      if (!group.askingIds.includes(on)) return answered('not_found');
      return answered('ok', { askingIds: without(group.askingIds, on) });
    case 'unbar':
      if (!group.barredIds.includes(on)) return answered('not_found');
      return answered('ok', { barredIds: without(group.barredIds, on) });
  }
  return rule(group, act, answered);
}

/** What admins do to members, and owners to everybody else. */
function rule(
  group: GroupModel,
  { do: what, by, on }: { do: string; by: string; on: string },
  answered: Answered,
): Outcome {
  const target = roleOf(group, on);
  if (target === null) return answered('not_found');
  const isAbove = target === 'member' || (target === 'admin' && group.ownerId === by);
  if (by === on || !isAbove) return answered('not_allowed');
  if (what === 'mute' || what === 'unmute') {
    const { mutedIds } = group;
    if (what === 'unmute' && !mutedIds.includes(on)) return answered('ok');
    const data = { userId: on, mutedUntil: what === 'mute' ? 'later' : null, byId: by };
    const changes = { mutedIds: what === 'mute' ? withOne(mutedIds, on) : without(mutedIds, on) };
    return answered('ok', changes, { event: 'group_member_muted', data });
  }
  const barredIds = what === 'bar' ? withOne(group.barredIds, on) : group.barredIds;
  const told = { event: 'group_member_removed', data: { userId: on, byId: by } } as const;
  return answered('ok', { ...gone(group, on), barredIds }, told);
}

function giveRole(
  group: GroupModel,
  { do: what, by, on }: { do: string; by: string; on: string },
  answered: Answered,
): Outcome {
  if (!group.memberIds.includes(on)) return answered('not_found');
  if (by === on) return answered(what === 'transfer' ? 'ok' : 'not_allowed');
  const told = (...changes: { userId: string; role: Role }[]) =>
    ({ event: 'group_role_changed', data: { changes, byId: by } }) as const;
  if (what === 'transfer')
    return answered(
      'ok',
      { ownerId: on, adminIds: withOne(without(group.adminIds, on), by) },
      told({ userId: on, role: 'owner' }, { userId: by, role: 'admin' }),
    );
  const role = what === 'promote' ? 'admin' : 'member';
  if (roleOf(group, on) === role) return answered('ok');
  const adminIds = role === 'admin' ? withOne(group.adminIds, on) : without(group.adminIds, on);
  return answered('ok', { adminIds }, told({ userId: on, role }));
}

function invite(
  group: GroupModel,
  { by, on }: { by: string; on: string },
  circumstances: Circumstances,
  answered: Answered,
): Outcome {
  const isAdmin = roleOf(group, by) !== 'member';
  if (!isAdmin && (group.whoCanInvite === 'admins' || group.joinMode === 'closed'))
    return answered('not_allowed');
  if (group.memberIds.includes(on)) return answered('ok');
  if (!circumstances.areFriends(by, on)) return answered('not_allowed');
  if (isAdmin || group.joinMode !== 'approval')
    return letIn(group, { userId: on, byId: by, via: 'invite' }, circumstances, answered);
  if (group.barredIds.includes(on)) return answered('not_allowed');
  return answered('pending', { askingIds: withOne(group.askingIds, on) });
}
