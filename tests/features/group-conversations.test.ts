import { expect } from 'chai';
import { buildFriends, type TestUser } from '../support/builders.ts';
import { createGroup, say } from '../support/groups.ts';
import { startApp, type TestApp } from '../support/start-app.ts';

const pageMaxBytes = 256 * 1024;

describe('conversations: groups among them', () => {
  let app: TestApp;
  let ann: TestUser;
  let bob: TestUser;

  before(async () => {
    app = await startApp();
  });
  beforeEach(async () => {
    [ann, bob] = await buildFriends(app.url);
  });
  after(() => app.close());

  async function listed(): Promise<string[]> {
    const { items } = (await bob.rest('GET', '/api/conversations')).body as { items: { id: string }[] };
    return items.map(({ id }) => id);
  }

  it('can be hidden before anything was said there, and come back with the first message', async () => {
    const groupId = await createGroup(ann, [bob]);
    await bob.rest('DELETE', `/api/conversations/${groupId}`);
    expect(await listed()).to.deep.equal([]);
    await ann.rest('PATCH', `/api/groups/${groupId}`, { name: 'Renamed' });
    expect(await listed()).to.deep.equal([]);
    await say(groupId, ann, 'hello');
    expect(await listed()).to.deep.equal([groupId]);
  });

  it('end a page of sync at 256 KiB even where nothing but their last messages fills it', async () => {
    const groupIds: string[] = [];
    for (let count = 0; count < 30; count++) groupIds.push(await createGroup(ann, [bob]));
    await Promise.all(groupIds.map((groupId) => say(groupId, ann, '汉'.repeat(4000))));
    const conversations = Object.fromEntries(groupIds.map((groupId) => [groupId, 2]));
    const { since } = (await bob.rest('POST', '/api/sync', { conversations })).body;
    for (const groupId of groupIds) await bob.rest('PATCH', `/api/conversations/${groupId}`, { muted: true });
    const told: string[] = [];
    let cursor: unknown;
    do {
      const asked = { conversations, since, ...(cursor !== undefined && { cursor }) };
      const { body, bytes } = await bob.rest('POST', '/api/sync', asked);
      expect(bytes.length).to.be.below(pageMaxBytes + 8000);
      const items = body.items as { conversation: { id: string } }[];
      told.push(...items.map(({ conversation }) => conversation.id));
      cursor = body.nextCursor ?? undefined;
    } while (cursor !== undefined);
    expect(told).to.deep.equal(groupIds.toSorted());
  });
});
