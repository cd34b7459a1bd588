import { expect } from 'chai';
import mongoose, { type Connection } from 'mongoose';
import { openPrivacy } from '../../src/features/users/users.rules.ts';
import { createUserStore } from '../../src/features/users/users.store.ts';
import { freshDatabaseUri } from '../support/database.ts';

describe('users: changes of an account whose e-mail somebody proves meanwhile', () => {
  let connection: Connection;
  before(async () => {
    connection = await mongoose.createConnection(freshDatabaseUri()).asPromise();
  });
  after(async () => {
    await connection.dropDatabase();
    await connection.close();
  });

  it('come too late: neither password nor phone is set', async () => {
    const store = createUserStore(connection);
    await connection.model('User').createIndexes();
    const person = { nickname: 'Ann', emailVerified: false, privacy: openPrivacy, passwordHash: 'before' };
    const user = await store.create({ ...person, contact: { kind: 'email', value: 'ann@example.com' } });
    if (!user) throw new Error('not created');
    const phone = { kind: 'phone', value: '+8613912345678' } as const;
    expect(await store.setContact(user.id, phone, false)).to.include({ phone: phone.value });
    expect(await store.proveByCode(user.id)).to.equal(true);
    expect(await store.setPassword(user.id, 'late', false)).to.equal(false);
    expect(await store.setContact(user.id, phone, false)).to.equal(null);
    const [now] = await store.findByIds([user.id]);
    expect(now).to.include({ phone: null, emailVerified: true });
    expect(await store.findCredentials(user.id)).to.deep.equal({ passwordHash: null, passwordSetAt: null });
    expect(await store.setPassword(user.id, 'the owner’s', true)).to.equal(true);
  });
});
