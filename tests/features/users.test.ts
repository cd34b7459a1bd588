import { expect } from 'chai';
import { befriend, buildUser, logInAgain, type TestUser } from '../support/builders.ts';
import { startApp, type TestApp } from '../support/start-app.ts';

const unauthenticated = { status: 401, code: 'unauthenticated' };

describe('users: profile_get', () => {
  let app: TestApp;
  before(async () => {
    app = await startApp();
  });
  after(() => app.close());

  it('answers me alike under every name of it', async () => {
    const ann = await buildUser(app.url, { nickname: 'Ann' });
    const socket = await ann.connect();
    const me = await socket.call('profile_get', {});
    expect(me).to.include({ id: ann.id, nickname: 'Ann', email: ann.email, bio: null, birthday: null });
    for (const path of ['/api/users/me', '/api/user/profile'])
      expect((await ann.rest('GET', path)).body, path).to.deep.equal(me);
    socket.close();
  });

  it('ignores fields it does not know', async () => {
    const ann = await buildUser(app.url);
    expect((await ann.rest('GET', '/api/users/me?userId=x&fields=all')).status).to.equal(200);
  });
});

describe('users: profile_update', () => {
  let app: TestApp;
  let ann: TestUser;
  before(async () => {
    app = await startApp();
    ann = await buildUser(app.url);
  });
  after(() => app.close());

  const update = (body: object) => ann.rest('PATCH', '/api/users/me', body);

  for (const [method, path] of [
    ['PATCH', '/api/users/me'],
    ['PUT', '/api/users/me'],
    ['PUT', '/api/user/profile'],
    ['POST', '/api/user/nickname'],
  ] as const) {
    it(`as ${method} ${path} changes what is named and leaves the rest`, async () => {
      const user = await buildUser(app.url);
      await user.rest('PATCH', '/api/users/me', { bio: 'about me', gender: 'other' });
      const { status, body } = await user.rest(method, path, { nickname: 'Changed' });
      expect(status).to.equal(200);
      expect(body).to.include({ nickname: 'Changed', bio: 'about me', gender: 'other', email: user.email });
      expect((await user.rest('GET', '/api/users/me')).body).to.deep.equal(body);
    });
  }

  it('merges privacy field by field', async () => {
    const user = await buildUser(app.url);
    await user.rest('PATCH', '/api/users/me', { privacy: { lastSeen: false } });
    const { body } = await user.rest('PUT', '/api/users/me', { privacy: { friendRequests: 'nobody' } });
    expect(body.privacy).to.deep.equal({
      findByEmail: true,
      findByPhone: true,
      friendRequests: 'nobody',
      groupInvites: 'friends',
      lastSeen: false,
      readReceipts: true,
    });
  });

  it('clears a field that is set to null', async () => {
    const given = { bio: 'x', gender: 'female', birthday: '2000-02-29', region: 'Shanghai' };
    expect((await update(given)).body).to.include(given);
    const none = { bio: null, gender: null, birthday: null, region: null };
    expect((await update(none)).body).to.include(none);
  });

  it('ignores fields it does not know, and those that are not the client’s to change', async () => {
    const { status, body } = await update({
      id: 'f'.repeat(24),
      email: 'other@example.com',
      emailVerified: true,
      phone: '+8613800138000',
      avatarUrl: 'https://example.com/x.png',
      createdAt: '2000-01-01T00:00:00.000Z',
      passwordHash: 'x',
      'privacy.lastSeen': false,
      $set: { nickname: 'x' },
    });
    expect(status).to.equal(200);
    expect(body).to.include({
      id: ann.id,
      email: ann.email,
      emailVerified: false,
      phone: null,
      avatarUrl: null,
    });
    expect(body.privacy as object).to.include({ lastSeen: true });
  });

  it('answers the profile as it is to a change of nothing, and to a repeat', async () => {
    const first = await update({ nickname: 'Again' });
    expect((await update({ nickname: 'Again' })).body).to.deep.equal(first.body);
    expect((await update({})).body).to.deep.equal(first.body);
  });

  for (const [what, given, kept] of [
    ['an emoji of joined parts', { nickname: '👩‍🚀 👨‍👩‍👧‍👦 🏳️‍🌈' }, undefined],
    ['an emoji with a skin tone', { nickname: '🧑🏽‍💻' }, undefined],
    ['a flag of tags', { bio: '🏴󠁧󠁢󠁳󠁣󠁴󠁿' }, undefined],
    ['HTML, verbatim', { nickname: '<b>Ann</b> & "Co"', bio: '<script>alert(1)</script>' }, undefined],
    ['names of every script', { nickname: '李雷 Ångström עברית عربي' }, undefined],
    ['blanks around a name, which are cut', { nickname: '  Ann  ' }, { nickname: 'Ann' }],
    ['32 characters of nickname', { nickname: 'n'.repeat(32) }, undefined],
    ['500 characters of bio and 64 of region', { bio: 'b'.repeat(500), region: 'r'.repeat(64) }, undefined],
    ['the first birthday', { birthday: '1900-01-01' }, undefined],
    ['a birthday today', { birthday: new Date().toISOString().slice(0, 10) }, undefined],
  ] as [string, object, object | undefined][]) {
    it(`takes ${what}`, async () => {
      const { status, body } = await update(given);
      expect(status).to.equal(200);
      expect(body).to.include(kept ?? given);
    });
  }

  const inTwoDays = new Date(Date.now() + 48 * 3_600_000).toISOString().slice(0, 10);
  for (const [what, given] of [
    ['an empty nickname', { nickname: '' }],
    ['a blank nickname', { nickname: ' \t ' }],
    ['a nickname of null', { nickname: null }],
    ['a nickname of 33 characters', { nickname: 'n'.repeat(33) }],
    ['a zero-width space', { nickname: 'An\u200bn' }],
    ['a zero-width non-joiner', { nickname: 'An\u200cn' }],
    ['a joiner that joins no emoji', { nickname: 'An\u200dn' }],
    ['a joiner after an emoji with nothing to join', { nickname: '👩\u200d' }],
    ['a word joiner', { nickname: 'An\u2060n' }],
    ['a byte order mark inside', { nickname: 'An\ufeffn' }],
    ['a right-to-left override', { nickname: 'An\u202en' }],
    ['a bidirectional isolate', { bio: 'a\u2066b' }],
    ['a right-to-left mark', { region: 'a\u200fb' }],
    ['a control character', { nickname: 'An\u0007n' }],
    ['a line break', { nickname: 'An\nn' }],
    ['a C1 control character', { bio: 'a\u0085b' }],
    ['a NUL', { bio: 'a\0b' }],
    ['a bio of 501 characters', { bio: 'b'.repeat(501) }],
    ['a region of 65 characters', { region: 'r'.repeat(65) }],
    ['an unknown gender', { gender: 'unknown' }],
    ['a birthday before 1900', { birthday: '1899-12-31' }],
    ['a birthday to come', { birthday: inTwoDays }],
    ['a day that no calendar has', { birthday: '2023-02-29' }],
    ['a birthday with a time', { birthday: '2000-01-01T00:00:00Z' }],
    ['privacy of another kind', { privacy: { friendRequests: 'friends' } }],
    ['privacy that is no boolean', { privacy: { lastSeen: 'no' } }],
    ['privacy that is null', { privacy: null }],
  ] as [string, object][]) {
    it(`refuses ${what}, and nothing changes`, async () => {
      const before = await ann.rest('GET', '/api/users/me');
      const { body } = await update({ region: 'elsewhere', ...given });
      expect(body).to.include({ status: 400, code: 'validation_failed' });
      expect((await ann.rest('GET', '/api/users/me')).body).to.deep.equal(before.body);
    });
  }

  it('tells my other devices, not the acting socket and not a friend', async () => {
    const [user, friend] = await Promise.all([buildUser(app.url), buildUser(app.url)]);
    await befriend(user, friend);
    const elsewhere = await logInAgain(app.url, user);
    const [acting, other, friends] = await Promise.all([
      user.connect(),
      elsewhere.connect(),
      friend.connect(),
    ]);
    const profile = await acting.call('profile_update', { nickname: 'From here' });
    expect(await other.next('profile_updated')).to.deep.equal(profile);

    await user.rest('PATCH', '/api/users/me', { nickname: 'By REST' });
    for (const socket of [acting, other])
      expect((await socket.next('profile_updated')).nickname).to.equal('By REST');
    await acting.call('private_message', { receiverId: friend.id, content: 'marker' });
    await friends.next('new_private_message');
    expect(friends.untaken('profile_updated')).to.deep.equal([]);
    for (const socket of [acting, other, friends]) socket.close();
  });
});

describe('users: user_get', () => {
  let app: TestApp;
  before(async () => {
    app = await startApp();
  });
  after(() => app.close());

  it('shows how each of us stands to the other', async () => {
    const [ann, bob] = await Promise.all([buildUser(app.url), buildUser(app.url)]);
    const relations = async () => [
      (await ann.rest('GET', `/api/users/${bob.id}`)).body.relation,
      (await bob.rest('GET', `/api/user/${ann.id}`)).body.relation,
    ];
    expect((await ann.rest('GET', `/api/users/${ann.id}`)).body.relation).to.equal('self');
    expect(await relations()).to.deep.equal(['none', 'none']);
    await ann.rest('POST', '/api/friends/add', { userId: bob.id });
    expect(await relations()).to.deep.equal(['request_sent', 'request_received']);
    await bob.rest('POST', `/api/friends/${ann.id}/accept`);
    expect(await relations()).to.deep.equal(['friend', 'friend']);
  });

  it('never shows e-mail, phone, birthday or privacy, to friends neither', async () => {
    const [ann, bob] = await Promise.all([buildUser(app.url), buildUser(app.url)]);
    await befriend(ann, bob);
    const socket = await ann.connect();
    const shown = await socket.call('user_get', { userId: bob.id });
    expect(shown).to.have.all.keys('id', 'nickname', 'avatarUrl', 'bio', 'gender', 'region', 'relation');
    expect(JSON.stringify(shown)).to.not.include(bob.email);
    socket.close();
  });

  it('takes an id in any case and refuses what is none', async () => {
    const ann = await buildUser(app.url);
    expect((await ann.rest('GET', `/api/users/${ann.id.toUpperCase()}`)).body.id).to.equal(ann.id);
    expect((await ann.rest('GET', '/api/users/nobody')).body.code).to.equal('validation_failed');
  });

  it('answers not_found to an id never issued', async () => {
    const ann = await buildUser(app.url);
    const { body } = await ann.rest('GET', `/api/users/${'f'.repeat(24)}`);
    expect(body).to.include({ status: 404, code: 'not_found' });
  });
});

describe('users: without a token', () => {
  it('everything is unauthenticated', async () => {
    const app = await startApp();
    const ann = await buildUser(app.url);
    await ann.rest('POST', '/api/auth/logout');
    for (const [method, path] of [
      ['GET', '/api/users/me'],
      ['GET', '/api/user/profile'],
      ['PATCH', '/api/users/me'],
      ['PUT', '/api/user/profile'],
      ['GET', `/api/users/${ann.id}`],
    ] as const)
      expect((await ann.rest(method, path)).body, `${method} ${path}`).to.include(unauthenticated);
    await app.close();
  });
});
