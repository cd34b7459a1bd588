import { expect } from 'chai';
import { afterBlocking } from '../../src/features/friends/friends.rules.ts';
import { createRelationshipStore } from '../../src/features/friends/friends.store.ts';
import { ask, blacklistOf, block, describeServer } from '../support/blacklist.ts';
import { buildUser, type TestUser } from '../support/builders.ts';

describe('friends: blacklist_list', () => {
  const server = describeServer();

  it('shows whom I block, the latest first, in pages, and nobody else’s list', async () => {
    const ann = await buildUser(server.app.url);
    const ids: string[] = [];
    for (let count = 0; count < 5; count++) {
      const other = await buildUser(server.app.url);
      await block(ann, other.id);
      if (count % 2) await block(other, ann.id);
      ids.unshift(other.id);
    }
    const socket = await ann.connect();
    const { items, nextCursor } = await socket.call('blacklist_list', {});
    expect(nextCursor).to.equal(null);
    expect(items.map(({ user }) => user.id)).to.deep.equal(ids);
    const paged: unknown[] = [];
    let cursor: string | undefined;
    do {
      const page = await socket.call('blacklist_list', { limit: 2, cursor });
      expect(page.items.length).to.be.within(1, 2);
      paged.push(...page.items);
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    expect(paged).to.deep.equal(items);
    expect(await blacklistOf(await buildUser(server.app.url))).to.deep.equal([]);
    socket.close();
  });

  it('loses and doubles nobody between pages when all were blocked at once', async () => {
    const ann = await buildUser(server.app.url);
    const others = await Promise.all(Array.from({ length: 7 }, () => buildUser(server.app.url)));
    const [store, now] = [createRelationshipStore(server.database), new Date()];
    for (const { id } of others)
      await store.change([ann.id, id], async (pair) => afterBlocking(pair, ann.id, now));
    const found: string[] = [];
    let cursor = '';
    do {
      const { body } = await ann.rest(
        'GET',
        `/api/friends/blacklist?limit=3${cursor && `&cursor=${cursor}`}`,
      );
      found.push(...(body.items as { user: { id: string } }[]).map(({ user }) => user.id));
      cursor = String(body.nextCursor ?? '');
    } while (cursor !== '');
    expect(found).to.have.length(7);
    expect(found).to.have.members(others.map(({ id }) => id));
  });

  it('refuses a limit or cursor that is none', async () => {
    const ann = await buildUser(server.app.url);
    for (const query of ['limit=0', 'limit=101', 'limit=NaN', 'cursor=x', 'cursor=W10', 'since=1'])
      expect((await ann.rest('GET', `/api/friends/blacklist?${query}`)).body.code).to.equal(
        'validation_failed',
      );
  });

  it('leaves hidden requests out of the pages of requests without a gap', async () => {
    const ann = await buildUser(server.app.url);
    const askers: TestUser[] = [];
    for (let count = 0; count < 6; count++) {
      const asker = await buildUser(server.app.url);
      askers.unshift(asker);
      await ask(asker, ann);
    }
    const [first, , , fourth] = askers;
    for (const hidden of [first, fourth]) await block(ann, hidden?.id);
    const { body } = await ann.rest('GET', '/api/friends/requests?limit=2');
    const page = body.items as { from: { id: string } }[];
    expect(page.map(({ from }) => from.id)).to.deep.equal([askers[1]?.id, askers[2]?.id]);
    const next = await ann.rest('GET', `/api/friends/requests?limit=2&cursor=${body.nextCursor}`);
    const rest = next.body.items as { from: { id: string } }[];
    expect(rest.map(({ from }) => from.id)).to.deep.equal([askers[4]?.id, askers[5]?.id]);
    expect(next.body.nextCursor).to.equal(null);
  });
});
