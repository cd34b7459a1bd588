import { z } from 'zod';
import type { Actor, Call } from '../../core/actor.ts';
import { AppError } from '../../core/errors.ts';
import type { Handlers } from '../../core/operation.ts';
import { decodeCursor, encodeCursor } from '../../core/page.ts';
import type { Me } from '../users/users.contract.ts';
import type { AuthResult, authContract, RevocationReason } from './auth.contract.ts';
import type { SessionRecord, SessionStore } from './sessions.store.ts';

interface AuthDeps {
  sessions: SessionStore;
  accounts: {
    /** `null` if the e-mail is taken. */
    create(account: { email: string; nickname: string; passwordHash: string }): Promise<Me | null>;
    findByEmail(email: string): Promise<{ me: Me; passwordHash: string | null } | null>;
    findById(userId: string): Promise<Me | null>;
  };
  passwords: {
    hash(password: string): Promise<string>;
    verify(password: string, hash: string | null): Promise<boolean>;
  };
  tokens: {
    accessLifetimeSeconds: number;
    issueAccess(actor: Actor): string;
    verifyAccess(token: string): Actor | null;
    firstRefresh(sessionId: string): string;
    successorOf(refreshToken: string): string;
    /** The session that a refresh token of ours names, `null` for any other text. */
    sessionOf(refreshToken: string): string | null;
    hash(refreshToken: string): string;
  };
  /** Makes the live sockets of these sessions deaf at once and closes them. */
  closeSockets(userId: string, sessionIds: readonly string[], reason: RevocationReason): void;
  /** Throws `rate_limited` when somebody shows a token too often; spares the look-up of its session. */
  limitAdmissions(userId: string): Promise<void>;
  refreshLifetimeMs: number;
}

const mostSessions = 100;
const refreshGraceMs = 10_000;
const mostReplaced = 20;
const touchEveryMs = 5 * 60_000;

export function createAuthService({ sessions, accounts, passwords, tokens, ...deps }: AuthDeps) {
  const handlers: Handlers<typeof authContract> = {
    async register({ email, password, nickname, deviceName }, call) {
      const me = await accounts.create({ email, nickname, passwordHash: await passwords.hash(password) });
      if (!me) throw new AppError('email_taken');
      return openSession(me, deviceName ?? null, call);
    },

    async logIn({ email, password, deviceName }, call) {
      const account = await accounts.findByEmail(email);
      const matches = await passwords.verify(password, account?.passwordHash ?? null);
      if (!account || !matches) throw new AppError('invalid_credentials');
      return openSession(account.me, deviceName ?? null, call);
    },

    async refresh({ refreshToken }) {
      const sessionId = tokens.sessionOf(refreshToken);
      const session = sessionId && (await sessions.findLive(sessionId));
      if (!session) throw new AppError('unauthenticated');
      const me = await accounts.findById(session.userId);
      if (!me) throw new AppError('unauthenticated');
      await rotate(session, refreshToken);
      return toAuthResult(me, session.id, tokens.successorOf(refreshToken));
    },

    async logOut(_input, { actor }) {
      await revoke(actor.userId, [actor.sessionId], 'logout');
    },

    async logOutEverywhere(_input, { actor }) {
      const live = await sessions.listLive({ userId: actor.userId, limit: mostSessions * 2, afterId: null });
      await revoke(actor.userId, [actor.sessionId, ...live.map(({ id }) => id)], 'logout_all');
    },

    async listSessions(input, { actor }) {
      const limit = input.limit ?? 50;
      const afterId = input.cursor ? decodeCursor(input.cursor, z.string().regex(/^[0-9a-f]{24}$/)) : null;
      const found = await sessions.listLive({ userId: actor.userId, limit: limit + 1, afterId });
      const shown = found.slice(0, limit);
      const last = found.length > limit ? shown.at(-1) : undefined;
      return {
        items: shown.map((session) => toSession(session, actor)),
        nextCursor: last ? encodeCursor(last.id) : null,
      };
    },

    async revokeSession({ sessionId }, { actor }) {
      // another's session is left alone, its sockets too
      if ((await sessions.revoke(actor.userId, [sessionId], 'revoked')) === 0)
        throw new AppError('not_found');
      deps.closeSockets(actor.userId, [sessionId], 'revoked');
    },
  };

  async function openSession(me: Me, deviceName: string | null, { address }: Call): Promise<AuthResult> {
    const now = new Date();
    const id = sessions.newId();
    const refreshToken = tokens.firstRefresh(id);
    await sessions.create({
      id,
      userId: me.id,
      deviceName,
      address,
      createdAt: now,
      lastSeenAt: now,
      refreshHash: tokens.hash(refreshToken),
      expiresAt: new Date(now.getTime() + deps.refreshLifetimeMs),
    });
    await endOldest(me.id);
    return toAuthResult(me, id, refreshToken);
  }

  async function endOldest(userId: string): Promise<void> {
    const found = await sessions.listLive({ userId, limit: mostSessions * 2, afterId: null });
    const tooMany = found.slice(mostSessions).map(({ id }) => id);
    if (tooMany.length > 0) await revoke(userId, tooMany, 'revoked');
  }

  /** Replaces the token once; for ten seconds a repeat is answered alike, later it is a replay and ends the family. */
  async function rotate(session: SessionRecord, refreshToken: string): Promise<void> {
    const fromHash = tokens.hash(refreshToken);
    const toHash = tokens.hash(tokens.successorOf(refreshToken));
    const now = new Date();
    const expiresAt = new Date(now.getTime() + deps.refreshLifetimeMs);
    const replaced = [{ hash: fromHash, at: now }, ...recentlyReplaced(session)].slice(0, mostReplaced);
    const change = { fromHash, toHash, expiresAt, replaced };
    if (session.refreshHash === fromHash && (await sessions.rotate(session.id, change))) return;
    const current = await sessions.findLive(session.id);
    if (current && recentlyReplaced(current).some(({ hash }) => hash === fromHash)) return;
    await revoke(session.userId, [session.id], 'replay');
    throw new AppError('unauthenticated');
  }

  async function revoke(userId: string, ids: readonly string[], reason: RevocationReason): Promise<void> {
    await sessions.revoke(userId, ids, reason);
    // even where nothing ended: it may have expired, or ended by a call whose outcome was lost
    deps.closeSockets(userId, ids, reason);
  }

  function toAuthResult(me: Me, sessionId: string, refreshToken: string): AuthResult {
    const token = tokens.issueAccess({ userId: me.id, sessionId });
    return { token, refreshToken, expiresIn: tokens.accessLifetimeSeconds, user: me };
  }

  return {
    handlers,

    /** Who an access token speaks for, as long as its session lives. Throws `unauthenticated`. */
    async authenticate(token: string): Promise<Actor> {
      const actor = tokens.verifyAccess(token);
      if (!actor) throw new AppError('unauthenticated');
      await deps.limitAdmissions(actor.userId);
      const session = await sessions.findLive(actor.sessionId);
      if (!session || session.userId !== actor.userId) throw new AppError('unauthenticated');
      if (!isRecent(session.lastSeenAt, touchEveryMs)) await sessions.touch(session.id, new Date());
      return actor;
    },
  };
}

function toSession({ id, deviceName, address, createdAt, lastSeenAt }: SessionRecord, actor: Actor) {
  return {
    id,
    deviceName,
    address,
    createdAt: createdAt.toISOString(),
    lastSeenAt: lastSeenAt.toISOString(),
    current: id === actor.sessionId,
  };
}

function recentlyReplaced({ replaced }: SessionRecord): SessionRecord['replaced'] {
  return replaced.filter(({ at }) => isRecent(at, refreshGraceMs));
}

function isRecent(at: Date, withinMs: number): boolean {
  return Date.now() - at.getTime() < withinMs;
}
