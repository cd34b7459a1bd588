import { expect } from 'chai';
import mongoose from 'mongoose';
import type { TestUser } from './builders.ts';
import { rest } from './clients.ts';
import { onDatabase } from './friendship.ts';
import type { TestGroup } from './groups.ts';
import type { TestApp } from './start-app.ts';

interface Link {
  id: string;
  code: string;
  url: string;
}

/** The code by which a member brings people into a group. */
export async function codeOf({ id }: Pick<TestGroup, 'id'>, member: TestUser): Promise<string> {
  const { status, body } = await member.rest('GET', `/api/groups/${id}/qrcode`);
  if (status !== 200) throw new Error(`group_qrcode_get answered ${status}: ${JSON.stringify(body)}`);
  return String(body.code);
}

/** An invite that a member makes. */
export async function inviteOf(
  { id }: Pick<TestGroup, 'id'>,
  member: TestUser,
  input: { maxUses?: number | null; expiresIn?: number } = {},
): Promise<Link> {
  const { status, body } = await member.rest('POST', `/api/groups/${id}/invites`, input);
  if (status !== 201) throw new Error(`group_invite_create answered ${status}: ${JSON.stringify(body)}`);
  return body as unknown as Link;
}

/** Joins with a code; answers the status, and the code of a refusal. */
export async function enter(user: TestUser, code: string): Promise<[status: number, code: unknown]> {
  const { status, body } = await user.rest('POST', '/api/groups/join-by-qrcode', { code });
  return [status, body.code];
}

/** Forgets how many codes led nowhere. */
export const forgetTries = (app: TestApp) =>
  onDatabase(app, (database) => database.collection('limits').deleteMany({}));

export const notFound = [404, 'not_found'];
export const notAllowed = [403, 'not_allowed'];
export const entered = [200, undefined];
export const asked = [202, undefined];

/** What a code leads to; the status and the code of a refusal where it leads nowhere. */
export async function resolveCode(user: TestUser, code: string) {
  const { status, body } = await user.rest('POST', '/api/qrcodes/resolve', { code });
  return status === 200 ? body : [status, body.code];
}

/** The public page of a code. */
export const pageOf = (url: string, code: string, language = 'en') =>
  rest(url, { method: 'GET', path: `/q/${code}`, headers: { 'accept-language': language } });

/** That nobody gets anything by a code, at any door. */
export async function expectGone(url: string, user: TestUser, code: string): Promise<void> {
  expect(await enter(user, code)).to.deep.equal(notFound);
  expect(await resolveCode(user, code)).to.deep.equal(notFound);
  const gone = await pageOf(url, code);
  expect(gone.status).to.equal(404);
  expect(gone.bytes.toString()).to.equal((await pageOf(url, 'never-was')).bytes.toString());
}

export const revoke = (user: TestUser, { id }: Pick<TestGroup, 'id'>, inviteId: string) =>
  user.rest('DELETE', `/api/groups/${id}/invites/${inviteId}`);

/** A group as the database holds it. */
export const recordOf = (app: TestApp, { id }: Pick<TestGroup, 'id'>) =>
  onDatabase(app, (database) =>
    database.collection('groups').findOne({ _id: new mongoose.Types.ObjectId(id) }),
  );
