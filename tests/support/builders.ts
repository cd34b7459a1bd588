import type { AuthResult } from '../../src/features/auth/auth.contract.ts';
import { rest, TestSocket } from './clients.ts';

let count = 0;

/** A registered person with one device. */
export interface TestUser {
  id: string;
  email: string;
  password: string;
  token: string;
  refreshToken: string;
  /** Calls a route as this person. */
  rest(method: string, path: string, body?: unknown): ReturnType<typeof rest>;
  /** Opens another socket on this person's session. */
  connect(): Promise<TestSocket>;
}

/** An e-mail that nobody else in the suite has. */
export function uniqueEmail(): string {
  return `user-${process.pid}-${count++}@example.com`;
}

/** Registers somebody whom nobody else in the suite knows. */
export async function buildUser(
  url: string,
  overrides: { nickname?: string; email?: string } = {},
): Promise<TestUser> {
  const email = overrides.email ?? uniqueEmail();
  const password = 'correct horse battery';
  const nickname = overrides.nickname ?? `User ${count}`;
  const { status, body } = await rest(url, {
    method: 'POST',
    path: '/api/auth/register',
    body: { email, password, nickname },
  });
  if (status !== 201) throw new Error(`register answered ${status}: ${JSON.stringify(body)}`);
  return toTestUser(url, { email, password, result: body as unknown as AuthResult });
}

interface Registered {
  email: string;
  password: string;
  result: AuthResult;
}

let phones = 0;

/** A mobile number in China that nobody else in the suite has. */
export function uniquePhone(): string {
  return `+86139${String(process.pid % 1000).padStart(3, '0')}${String(phones++).padStart(5, '0')}`;
}

/** What `login`, `register` or `verify-code` answered, as a person. */
export function toTestUser(url: string, { email, password, result }: Registered): TestUser {
  const { token, refreshToken, user } = result;
  return {
    id: user.id,
    email,
    password,
    token,
    refreshToken,
    rest: (method, path, body) => rest(url, { method, path, body, token }),
    connect: () => new TestSocket(url, token).connected(),
  };
}

/** Logs the person in on another device. */
export async function logInAgain(url: string, { email, password }: TestUser): Promise<TestUser> {
  const { body } = await rest(url, { method: 'POST', path: '/api/auth/login', body: { email, password } });
  return toTestUser(url, { email, password, result: body as unknown as AuthResult });
}

/** Makes two people friends. */
export async function befriend(one: TestUser, other: TestUser): Promise<void> {
  await one.rest('POST', '/api/friends/add', { userId: other.id });
  await other.rest('POST', `/api/friends/${one.id}/accept`);
}

/** Two people who are friends. */
export async function buildFriends(url: string): Promise<[TestUser, TestUser]> {
  const [one, other] = await Promise.all([buildUser(url), buildUser(url)]);
  await befriend(one, other);
  return [one, other];
}

/** People whom nobody else in the suite knows, one after the other, as each takes a while. */
export async function buildUsers(url: string, count: number): Promise<TestUser[]> {
  const users: TestUser[] = [];
  for (let index = 0; index < count; index++) users.push(await buildUser(url));
  return users;
}
