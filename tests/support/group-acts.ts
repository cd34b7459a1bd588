import { operations } from '../../src/contracts.ts';
import type { Problem } from '../../src/core/errors.ts';
import type { Message } from '../../src/features/messages/messages.contract.ts';
import type { TestUser } from './builders.ts';
import type { Device } from './device.ts';
import type { Act, Answer } from './group-model.ts';

const muteMinutes = 1000;

/** An operation as a socket calls it. */
function callOf(groupId: string, act: Act): [event: string, input: Record<string, unknown>] {
  switch (act.do) {
    case 'join':
      return ['group_join', { groupId }];
    case 'withdraw':
      return ['group_join_withdraw', { groupId }];
    case 'leave':
      return ['group_leave', { groupId }];
    case 'muteAll':
      return ['group_mute', { groupId }];
    case 'unmuteAll':
      return ['group_unmute', { groupId }];
    case 'dissolve':
      return ['group_dissolve', { groupId }];
    case 'say':
      return ['group_message', { groupId, content: 'hello' }];
    case 'call':
      return ['group_message', { groupId, content: 'hello', mentions: ['all'] }];
    case 'update': {
      const { changes } = act;
      return ['group_update', { groupId, ...('whoCanInvite' in changes ? { settings: changes } : changes) }];
    }
    case 'announce':
      return ['group_announcement_set', { groupId, content: act.content }];
    case 'invite':
      return ['group_invite', { groupId, userIds: [act.on] }];
    case 'promote':
    case 'demote':
      return ['group_role_set', { groupId, userId: act.on, role: act.do === 'promote' ? 'admin' : 'member' }];
    case 'bar':
      return ['group_kick', { groupId, userId: act.on, barred: true }];
    case 'mute':
      return ['group_member_mute', { groupId, userId: act.on, minutes: muteMinutes }];
  }
  const events = {
    accept: 'group_request_accept',
    reject: 'group_request_reject',
    kick: 'group_kick',
    unbar: 'group_unbar',
    transfer: 'group_transfer',
    unmute: 'group_member_unmute',
  };
  return [events[act.do], { groupId, userId: act.on }];
}

/** Does it over a socket, and answers what came of it. */
export async function actOverSocket(device: Device, groupId: string, act: Act): Promise<Answer> {
  const answer = await device.socket.emit(...callOf(groupId, act));
  if (!answer.ok) return (answer.error as Problem).code as Answer;
  if (act.do === 'say' || act.do === 'call') device.holdSent(answer.data as Message);
  return isPending(answer.data) ? 'pending' : 'ok';
}

/** Does it over REST, and answers what came of it. */
export async function actOverRest(user: TestUser, groupId: string, act: Act): Promise<Answer> {
  const [event, input] = callOf(groupId, act);
  const route = operations.find((operation) => operation.event === event)?.routes[0];
  if (!route) throw new Error(`${event} has no route`);
  const rest = { ...input };
  const path = route.path.replaceAll(/:(\w+)/g, (_, name: string) => {
    const value = String(rest[name]);
    delete rest[name];
    return value;
  });
  const query = route.method === 'DELETE' ? new URLSearchParams(rest as Record<string, string>) : '';
  const { status, body } = await user.rest(
    route.method,
    `${path}${String(query) === '' ? '' : `?${query}`}`,
    route.method === 'DELETE' ? undefined : rest,
  );
  if (status >= 400) return body.code as Answer;
  return isPending(body) ? 'pending' : 'ok';
}

const isPending = (data: unknown) => (data as { status?: string } | null)?.status === 'pending';
