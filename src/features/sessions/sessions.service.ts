import { z } from 'zod';
import type { Actor, Call } from '../../core/actor.ts';
import { AppError } from '../../core/errors.ts';
import type { Handlers } from '../../core/operation.ts';
import { decodeCursor, encodeCursor } from '../../core/page.ts';
import type { PersonalData } from '../../core/personal-data.ts';
import { createRotation, type RefreshTokens } from './rotation.ts';
import type { RevocationReason, sessionsContract } from './sessions.contract.ts';
import type { SessionRecord, SessionStore } from './sessions.store.ts';

interface SessionsDeps {
  store: SessionStore;
  tokens: RefreshTokens & {
    issueAccess(actor: Actor): string;
    verifyAccess(token: string): Actor | null;
    issueFileAccess(actor: Actor): string;
    verifyFileAccess(token: string): Actor | null;
    fileAccessLifetimeSeconds: number;
    firstRefresh(sessionId: string): string;
  };
  /** Makes the live sockets of these sessions deaf at once and closes them. */
  closeSockets(userId: string, sessionIds: readonly string[], reason: RevocationReason): void;
  /** Throws `rate_limited` when somebody shows a token too often; spares the look-up of its session. */
  limitAdmissions(userId: string): Promise<void>;
  refreshLifetimeMs: number;
}

/** What a client gets to act with. */
interface TokenPair {
  token: string;
  refreshToken: string;
}

interface Opened {
  id: string;
  tokens: TokenPair;
}

const mostSessions = 100;
const touchEveryMs = 5 * 60_000;

/** A person's devices: from log-in to log-out. */
export function createSessions({ store, tokens, closeSockets, ...deps }: SessionsDeps) {
  const rotate = createRotation({ store, tokens, refreshLifetimeMs: deps.refreshLifetimeMs });

  const handlers: Handlers<typeof sessionsContract> = {
    async logOut(_input, { actor }) {
      await revoke(actor.userId, [actor.sessionId], 'logout');
    },

    async logOutEverywhere(_input, { actor }) {
      const live = await liveIds(actor.userId);
      await revoke(actor.userId, [actor.sessionId, ...live], 'logout_all');
    },

    async listSessions(input, { actor }) {
      const limit = input.limit ?? 50;
      const afterId = input.cursor ? decodeCursor(input.cursor, z.string().regex(/^[0-9a-f]{24}$/)) : null;
      const found = await store.listLive({ userId: actor.userId, limit: limit + 1, afterId });
      const shown = found.slice(0, limit);
      const last = found.length > limit ? shown.at(-1) : undefined;
      return {
        items: shown.map((session) => toSession(session, actor)),
        nextCursor: last ? encodeCursor(last.id) : null,
      };
    },

    async revokeSession({ sessionId }, { actor }) {
      // another's session is left alone, its sockets too
      if ((await store.revoke(actor.userId, [sessionId], 'revoked')) === 0) throw new AppError('not_found');
      closeSockets(actor.userId, [sessionId], 'revoked');
    },
  };

  async function liveIds(userId: string): Promise<string[]> {
    const live = await store.listLive({ userId, limit: mostSessions * 2, afterId: null });
    return live.map(({ id }) => id);
  }

  async function endOldest(userId: string): Promise<void> {
    const tooMany = (await liveIds(userId)).slice(mostSessions);
    if (tooMany.length > 0) await revoke(userId, tooMany, 'revoked');
  }

  async function revoke(userId: string, ids: readonly string[], reason: RevocationReason): Promise<void> {
    await store.revoke(userId, ids, reason);
    // even where nothing ended: it may have expired, or ended by a call whose outcome was lost
    closeSockets(userId, ids, reason);
  }

  async function admit(actor: Actor | null): Promise<Actor> {
    if (!actor) throw new AppError('unauthenticated');
    await deps.limitAdmissions(actor.userId);
    const session = await store.findLive(actor.sessionId);
    if (!session || session.userId !== actor.userId) throw new AppError('unauthenticated');
    if (Date.now() - session.lastSeenAt.getTime() > touchEveryMs) await store.touch(session.id, new Date());
    return actor;
  }

  const personalData: PersonalData = {
    async exportOf(userId) {
      const live = await store.listLive({ userId, limit: mostSessions * 2, afterId: null });
      const shown = live.map(({ id, deviceName, address, createdAt, lastSeenAt }) => {
        return { id, deviceName, address, createdAt, lastSeenAt };
      });
      return [{ name: 'sessions.json', content: JSON.stringify(shown, null, 2) }];
    },
    async erase(userId) {
      await revoke(userId, await liveIds(userId), 'account_deleted');
      return { deleted: { sessions: await store.removeAll(userId) } };
    },
  };

  return {
    handlers,
    personalData,

    /** Begins a session of this person on a new device. */
    async open(userId: string, deviceName: string | null, { address }: Call): Promise<Opened> {
      const now = new Date();
      const id = store.newId();
      const refreshToken = tokens.firstRefresh(id);
      await store.create({
        id,
        userId,
        deviceName,
        address,
        createdAt: now,
        lastSeenAt: now,
        refreshHash: tokens.hash(refreshToken),
        expiresAt: new Date(now.getTime() + deps.refreshLifetimeMs),
      });
      await endOldest(userId);
      return { id, tokens: { token: tokens.issueAccess({ userId, sessionId: id }), refreshToken } };
    },

    /** Replaces a refresh token by its successor. Throws `unauthenticated`; a replay ends the session. */
    async renew(refreshToken: string): Promise<{ userId: string; tokens: TokenPair }> {
      const sessionId = tokens.sessionOf(refreshToken);
      const session = sessionId && (await store.findLive(sessionId));
      if (!session) throw new AppError('unauthenticated');
      const { userId, id } = session;
      if (!(await rotate(session, refreshToken))) {
        await revoke(userId, [id], 'replay');
        throw new AppError('unauthenticated');
      }
      const token = tokens.issueAccess({ userId, sessionId: id });
      return { userId, tokens: { token, refreshToken: tokens.successorOf(refreshToken) } };
    },

    /** Ends one session of this person. */
    end: (userId: string, sessionId: string, reason: RevocationReason) => revoke(userId, [sessionId], reason),

    /** Ends all sessions of this person, or all but the one that is named. */
    async endAll(userId: string, reason: RevocationReason, exceptId: string | null = null): Promise<void> {
      await revoke(
        userId,
        (await liveIds(userId)).filter((id) => id !== exceptId),
        reason,
      );
    },

    /** Who an access token speaks for, as long as its session lives. Throws `unauthenticated`. */
    authenticate: (token: string) => admit(tokens.verifyAccess(token)),

    /** The same for a token that is good for reading files only. */
    authenticateFileAccess: (token: string) => admit(tokens.verifyFileAccess(token)),

    /** A token that may stand in an address, as it is good for reading files only, and no longer than its session. */
    issueFileAccess: (actor: Actor) => ({
      token: tokens.issueFileAccess(actor),
      expiresIn: tokens.fileAccessLifetimeSeconds,
    }),
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
