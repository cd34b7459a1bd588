import { expect } from 'chai';
import { buildUser, type TestUser, uniquePhone } from '../support/builders.ts';
import { type Outbox, openOutbox } from '../support/outbox.ts';
import { startApp, type TestApp } from '../support/start-app.ts';

describe('users: user_search', () => {
  let outbox: Outbox;
  let app: TestApp;
  let viewer: TestUser;
  before(async () => {
    outbox = await openOutbox();
    app = await startApp(outbox.settings);
    viewer = await buildUser(app.url, { nickname: 'Viewer' });
  });
  after(async () => {
    await app.close();
    await outbox.close();
  });

  const search = async (q: string, more = '') => {
    const path = `/api/users/search?q=${encodeURIComponent(q)}${more}`;
    return (await viewer.rest('GET', path)).body as { items: { id: string }[]; nextCursor: string | null };
  };
  const ids = async (q: string) => (await search(q)).items.map(({ id }) => id);

  it('finds 张伟 by his name, by pinyin and by its initials, on every wire', async () => {
    const wei = await buildUser(app.url, { nickname: '张伟' });
    for (const q of ['张', '张伟', 'zhang', 'zhangwei', 'ZW', 'zhang wei'])
      expect(await ids(q), q).to.include(wei.id);
    expect(await ids('wei')).to.not.include(wei.id);
    const socket = await viewer.connect();
    const { items } = await socket.call('user_search', { q: 'zw' });
    expect(items[0]).to.include({ id: wei.id, relation: 'none' });
    socket.close();
    const old = await viewer.rest('GET', '/api/user/search?q=zw');
    expect(old.body.items).to.deep.equal(items);
  });

  it('is friend_search under every name of it, page by page', async () => {
    for (let n = 0; n < 3; n++) await buildUser(app.url, { nickname: `Sameness ${n}` });
    const socket = await viewer.connect();
    const page = await socket.call('user_search', { q: 'sameness', limit: 2 });
    const rest = await socket.call('user_search', { q: 'sameness', cursor: page.nextCursor ?? '' });
    expect([page.items, rest.items].map(({ length }) => length)).to.deep.equal([2, 1]);
    expect(await socket.call('friend_search', { q: 'sameness', limit: 2 })).to.deep.equal(page);
    for (const path of ['/api/friends/search', '/api/friend/search']) {
      expect((await viewer.rest('GET', `${path}?q=sameness&limit=2`)).body).to.deep.equal(page);
      const next = await viewer.rest('GET', `${path}?q=sameness&cursor=${page.nextCursor}`);
      expect(next.body).to.deep.equal(rest);
      expect((await viewer.rest('GET', `${path}?q=`)).body.code).to.equal('validation_failed');
      expect((await fetch(`${app.url}${path}?q=a`)).status).to.equal(401);
    }
    await socket.refused('friend_search', { q: { $regex: '.*' } }, 'validation_failed');
    socket.close();
  });

  it('finds by the beginning of a nickname, whatever its case, and by a new one as soon as it is set', async () => {
    const ann = await buildUser(app.url, { nickname: 'Wolfgang' });
    expect(await ids('wolf')).to.deep.equal([ann.id]);
    await ann.rest('PATCH', '/api/users/me', { nickname: 'Leopold' });
    expect(await ids('leop')).to.deep.equal([ann.id]);
    expect(await ids('wolf')).to.deep.equal([]);
  });

  it('finds by exact e-mail or phone as long as its owner lets it', async () => {
    const ann = await buildUser(app.url);
    const phone = uniquePhone();
    await ann.rest('POST', '/api/auth/send-verification-code', { phone, purpose: 'change_phone' });
    const proof = { currentPassword: ann.password };
    await ann.rest('PUT', '/api/auth/phone', { phone, code: await outbox.code(phone), proof });
    for (const q of [ann.email, ann.email.toUpperCase(), phone, phone.slice(3)])
      expect(await ids(q), q).to.deep.equal([ann.id]);
    expect(await ids(ann.email.slice(0, -1))).to.deep.equal([]);
    await ann.rest('PATCH', '/api/users/me', { privacy: { findByEmail: false, findByPhone: false } });
    for (const q of [ann.email, phone]) expect(await ids(q), q).to.deep.equal([]);
  });

  it('pages without losing or doubling anybody, one found by their e-mail among them', async () => {
    const people = [];
    for (let n = 0; n < 7; n++) people.push(await buildUser(app.url, { nickname: `Paginate ${n}` }));
    const named = await buildUser(app.url, {
      nickname: 'paginate@example.com',
      email: 'paginate@example.com',
    });
    for (const [q, all] of [
      ['paginate', [...people, named]],
      ['paginate@example.com', [named]],
    ] as const) {
      for (const limit of [1, 3]) {
        const found: string[] = [];
        let cursor: string | null = '';
        while (cursor !== null) {
          const page = await search(q, `&limit=${limit}${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
          found.push(...page.items.map(({ id }) => id));
          cursor = page.nextCursor;
        }
        expect(found, `${q} by ${limit}`).to.have.members(all.map(({ id }) => id));
      }
    }
  });

  it('takes what looks like a regular expression for text', async () => {
    await buildUser(app.url, { nickname: 'Regular' });
    for (const q of ['.*', '^R', 'R.g', '(a+)+$', '\\']) expect(await ids(q), q).to.deep.equal([]);
  });

  it('refuses a blank query, a long one and a foreign cursor', async () => {
    for (const query of ['', '%20%20', 'x'.repeat(65)]) {
      const { body } = await viewer.rest('GET', `/api/users/search?q=${query}`);
      expect(body.code).to.equal('validation_failed');
    }
    const { body } = await viewer.rest('GET', '/api/users/search?q=a&cursor=bm90IG91cnM');
    expect(body.code).to.equal('validation_failed');
  });
});

describe('users: user_list', () => {
  let app: TestApp;
  before(async () => {
    app = await startApp();
  });
  after(() => app.close());

  it('answers several people in the order asked for, each once, and leaves out who is nobody', async () => {
    const [ann, bob] = await Promise.all([buildUser(app.url), buildUser(app.url)]);
    const ids = [bob.id, 'f'.repeat(24), ann.id, bob.id];
    const { body } = await ann.rest('GET', `/api/users?ids=${ids.join(',')}`);
    expect((body.items as { id: string }[]).map(({ id }) => id)).to.deep.equal([bob.id, ann.id]);
    const socket = await ann.connect();
    const { items } = await socket.call('user_list', { ids: [bob.id] });
    expect(items[0]).to.include({ id: bob.id, relation: 'none' });
    expect(JSON.stringify(items)).to.not.contain(bob.email);
    await socket.refused('user_list', { ids: ['short'] }, 'validation_failed');
    await socket.refused('user_list', { ids: Array(101).fill(bob.id) }, 'validation_failed');
    await socket.refused('user_list', { ids: { $in: [] } }, 'validation_failed');
    socket.close();
  });
});
