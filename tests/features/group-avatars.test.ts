import { expect } from 'chai';
import sharp from 'sharp';
import type { Group } from '../../src/features/groups/groups.contract.ts';
import { buildUser, type TestUser } from '../support/builders.ts';
import { rest } from '../support/clients.ts';
import { buildGroup, kick, promote } from '../support/groups.ts';
import { startApp, type TestApp } from '../support/start-app.ts';
import { Storage } from '../support/storage.ts';
import { closeAll } from '../support/talk.ts';

const sizes = 2;
const picture = (background: string) =>
  sharp({ create: { width: 90, height: 60, channels: 3, background } })
    .png()
    .toBuffer();

function form(bytes: Buffer, field = 'avatar'): FormData {
  const data = new FormData();
  data.append(field, new Blob([new Uint8Array(bytes)]), 'group.png');
  return data;
}

describe('avatars of groups', () => {
  let app: TestApp;
  let storage: Storage;
  let red: Buffer;
  before(async () => {
    app = await startApp();
    storage = await Storage.of(app);
    red = await picture('red');
  });
  after(async () => {
    await storage.close();
    await app.close();
  });

  const upload = (person: TestUser, groupId: string, data = form(red)) =>
    person.rest('POST', `/api/groups/${groupId}/avatar`, data);
  const fetchAvatar = (url: unknown) => rest(app.url, { method: 'GET', path: new URL(String(url)).pathname });
  const countFiles = () => storage.connection.collection('files.files').countDocuments({});

  it('are shown to everybody in the group and in its preview, heard by all, and public', async () => {
    const group = await buildGroup(app.url, { joinMode: 'open' });
    const { id, owner, members } = group;
    const stranger = await buildUser(app.url);
    const [ear, outside] = await Promise.all([members[0].connect(), stranger.connect()]);
    const { status, body } = await upload(owner, id);
    expect(status).to.equal(201);
    const { avatarUrl } = body as unknown as Group;
    expect(await ear.next('group_updated')).to.deep.equal({
      groupId: id,
      conversationId: id,
      seq: 2,
      changes: { avatarUrl },
      byId: owner.id,
    });
    for (const person of [members[1], stranger])
      expect((await person.rest('GET', `/api/groups/${id}`)).body.avatarUrl).to.equal(avatarUrl);
    const fetched = await fetchAvatar(avatarUrl);
    expect([fetched.status, fetched.headers.get('content-type')]).to.deep.equal([200, 'image/webp']);
    await stranger.rest('PATCH', '/api/users/me', { bio: 'a later event' });
    await outside.next('profile_updated');
    expect(outside.untaken('group_updated')).to.deep.equal([]);
    closeAll(ear, outside);
  });

  it('are gone at once when there is another, or no group any more', async () => {
    const before = await countFiles();
    const { id, owner } = await buildGroup(app.url);
    const first = (await upload(owner, id)).body.avatarUrl;
    const second = (await upload(owner, id, form(await picture('blue')))).body.avatarUrl;
    expect(second).to.not.equal(first);
    expect((await fetchAvatar(first)).status).to.equal(404);
    expect((await fetchAvatar(second)).status).to.equal(200);
    expect(await countFiles()).to.equal(before + sizes);
    await owner.rest('DELETE', `/api/groups/${id}`);
    expect((await fetchAvatar(second)).status).to.equal(404);
    expect(await countFiles()).to.equal(before);
  });

  it('are for admins, or for all members where the group says so; strangers find no group', async () => {
    const before = await countFiles();
    const group = await buildGroup(app.url, { joinMode: 'open' });
    const { id, owner, members } = group;
    const stranger = await buildUser(app.url);
    expect((await upload(members[0], id)).body.code).to.equal('not_allowed');
    for (const groupId of [id, 'f'.repeat(24), owner.id])
      expect((await upload(stranger, groupId)).body.code).to.equal('not_found');
    expect((await upload(owner, 'no-id')).body.code).to.equal('validation_failed');
    expect(await countFiles()).to.equal(before);
    await promote(group, members[0]);
    expect((await upload(members[0], id)).status).to.equal(201);
    await owner.rest('PATCH', `/api/groups/${id}`, { settings: { whoCanEdit: 'members' } });
    expect((await upload(members[1], id)).body).to.deep.include({ role: 'member' });
    await kick(group, members[1]);
    expect((await upload(members[1], id)).body.code).to.equal('not_found');
    expect(await countFiles()).to.equal(before + sizes);
  });

  it('are judged before the picture is looked at: who may not set one learns nothing of it', async () => {
    const { id, members } = await buildGroup(app.url);
    const noPicture = form(Buffer.from('just a text'));
    expect((await upload(members[0], id, noPicture)).body.code).to.equal('not_allowed');
    const call = { method: 'POST', path: `/api/groups/${id}/avatar`, body: form(red) };
    expect((await rest(app.url, call)).body.code).to.equal('unauthenticated');
  });

  it('refuse what is no picture, another field, no file and JSON, and keep the one there is', async () => {
    const { id, owner } = await buildGroup(app.url);
    const { avatarUrl } = (await upload(owner, id)).body;
    const before = await countFiles();
    const tooLarge = Buffer.alloc(10 * 1024 * 1024 + 1);
    for (const [data, code] of [
      [form(Buffer.from('just a text')), 'unsupported_media_type'],
      [form(red.subarray(0, 90)), 'image_invalid'],
      [form(tooLarge), 'payload_too_large'],
      [form(red, 'file'), 'validation_failed'],
      [new FormData(), 'validation_failed'],
    ] as const)
      expect((await upload(owner, id, data)).body.code).to.equal(code);
    const json = await owner.rest('POST', `/api/groups/${id}/avatar`, { avatar: 'x' });
    expect(json.body.code).to.equal('unsupported_media_type');
    expect((await owner.rest('GET', `/api/groups/${id}`)).body.avatarUrl).to.equal(avatarUrl);
    expect(await countFiles()).to.equal(before);
  });

  it('several at once leave one, whoever comes last', async () => {
    const before = await countFiles();
    const group = await buildGroup(app.url);
    const { id, owner, members } = group;
    for (const member of members) await promote(group, member);
    const answers = await Promise.all([owner, ...members].map((person) => upload(person, id)));
    expect(answers.map(({ status }) => status)).to.deep.equal([201, 201, 201]);
    const { avatarUrl } = (await owner.rest('GET', `/api/groups/${id}`)).body;
    const found = await Promise.all(answers.map(({ body }) => fetchAvatar(body.avatarUrl)));
    expect(found.filter(({ status }) => status === 200)).to.have.length(1);
    expect((await fetchAvatar(avatarUrl)).status).to.equal(200);
    expect(await countFiles()).to.equal(before + sizes);
  });

  it('leave no file when the group ends, or the right to set one, while the picture arrives', async () => {
    const before = await countFiles();
    for (let time = 0; time < 4; time++) {
      const group = await buildGroup(app.url);
      const { id, owner, members } = group;
      await promote(group, members[0]);
      await Promise.all([upload(members[0], id), kick(group, members[0])]);
      const kept = (await owner.rest('GET', `/api/groups/${id}`)).body.avatarUrl === null ? 0 : sizes;
      expect(await countFiles()).to.equal(before + kept);
      await Promise.all([upload(owner, id), owner.rest('DELETE', `/api/groups/${id}`)]);
      expect(await countFiles()).to.equal(before);
    }
  });
});
