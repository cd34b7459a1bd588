import { expect } from 'chai';
import { createGroupsService } from '../../src/features/groups/groups.service.ts';
import { createConversationRooms } from '../../src/transports/conversation-rooms.ts';

const context = { actor: { userId: 'ann' }, originSocketId: null } as never;

/** Rooms of one person, and a read of whether they are a member that answers when it is told to. */
function build() {
  const joined = new Set<string>();
  const rooms = createConversationRooms([
    {
      bring: (_, room) => joined.add(room),
      take: (_, room) => joined.delete(room),
      empty: () => joined.clear(),
    },
  ]);
  let answer = (_isMember: boolean) => {};
  const scene = new Promise((resolve) => {
    answer = (isMember) =>
      resolve({ actorId: 'ann', people: new Map(isMember ? [['ann', { role: 'member' }]] : []) });
  });
  const { joinRoom } = createGroupsService({ rooms, scenes: { require: () => scene } } as never);
  return { rooms, joined, answer, joinRoom };
}

describe('joining a room by hand', () => {
  it('brings a member in', async () => {
    const { joined, answer, joinRoom } = build();
    answer(true);
    await joinRoom({ groupId: 'group' }, context);
    expect(joined.size).to.equal(1);
  });

  it('is not found for who is no member', async () => {
    const { joined, answer, joinRoom } = build();
    answer(false);
    const failure = await joinRoom({ groupId: 'group' }, context).catch((error: unknown) => error);
    expect(failure).to.have.property('code', 'not_found');
    expect(joined.size).to.equal(0);
  });

  for (const [what, remove] of [
    ['removed', ({ rooms }: ReturnType<typeof build>) => rooms.dismiss('group', ['ann'])],
    ['in a group that ends', ({ rooms }: ReturnType<typeof build>) => rooms.close('group')],
  ] as const)
    it(`leaves out who is ${what} while their membership is read`, async () => {
      const built = build();
      const joining = built.joinRoom({ groupId: 'group' }, context);
      remove(built);
      built.answer(true);
      await joining;
      expect(built.joined.size).to.equal(0);
    });
});
