import type { Contact } from '../../core/contact.ts';
import type { UserViews } from './user-views.ts';
import type { Me } from './users.contract.ts';
import { openPrivacy } from './users.rules.ts';
import type { NewAccount, UserRecord, UserStore } from './users.store.ts';

interface AccountsDeps {
  store: UserStore;
  views: Pick<UserViews, 'toMe'>;
  /** Lets a new person be found by their nickname. */
  named(userId: string, nickname: string): Promise<void>;
}

/** What authentication and account care need of people. */
export function createAccounts({ store, views, named }: AccountsDeps) {
  const orNull = (record: UserRecord | null | undefined): Me | null => (record ? views.toMe(record) : null);

  return {
    /** `null` if the contact is taken. */
    async create(account: Omit<NewAccount, 'privacy'>): Promise<Me | null> {
      const record = await store.create({ ...account, privacy: openPrivacy });
      if (record) await named(record.id, record.nickname);
      return orNull(record);
    },

    /** `null` for who is nobody, or has gone. */
    async findById(userId: string): Promise<Me | null> {
      const [record] = await store.findByIds([userId]);
      return record?.deletedAt === null ? views.toMe(record) : null;
    },

    async findByContact(contact: Contact) {
      const found = await store.findAccount(contact);
      if (!found) return null;
      const { user, ...credentials } = found;
      return { me: views.toMe(user), ...credentials };
    },

    isTaken: async (contact: Contact): Promise<boolean> => (await store.findByContact(contact)) !== null,
    verifyEmail: async (userId: string, email: string) => orNull(await store.verifyEmail(userId, email)),
    /** `null` if somebody else has the contact, or the e-mail was proved since. */
    setContact: async (userId: string, contact: Contact, emailVerified: boolean) =>
      orNull(await store.setContact(userId, contact, emailVerified)),
    findCredentials: store.findCredentials,
    setPassword: store.setPassword,
    replacePasswordHash: store.replacePasswordHash,
    proveByCode: store.proveByCode,
  };
}
