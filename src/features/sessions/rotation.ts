import type { SessionRecord, SessionStore } from './sessions.store.ts';

export interface RefreshTokens {
  successorOf(refreshToken: string): string;
  /** The session that a refresh token of ours names, `null` for any other text. */
  sessionOf(refreshToken: string): string | null;
  hash(refreshToken: string): string;
}

interface RotationDeps {
  store: Pick<SessionStore, 'rotate' | 'findLive'>;
  tokens: RefreshTokens;
  refreshLifetimeMs: number;
}

const graceMs = 10_000;
const mostReplaced = 20;

/**
 * Replaces a session's refresh token by its successor, once. Answers whether the token was good: the present one, or one
 * that was replaced less than ten seconds ago and is answered alike; an older one is a replay.
 */
export function createRotation({ store, tokens, refreshLifetimeMs }: RotationDeps) {
  return async (session: SessionRecord, refreshToken: string): Promise<boolean> => {
    const fromHash = tokens.hash(refreshToken);
    const toHash = tokens.hash(tokens.successorOf(refreshToken));
    const now = new Date();
    const expiresAt = new Date(now.getTime() + refreshLifetimeMs);
    const replaced = [{ hash: fromHash, at: now }, ...recentlyReplaced(session)].slice(0, mostReplaced);
    const change = { fromHash, toHash, expiresAt, replaced };
    if (session.refreshHash === fromHash && (await store.rotate(session.id, change))) return true;
    const current = await store.findLive(session.id);
    return current !== null && recentlyReplaced(current).some(({ hash }) => hash === fromHash);
  };
}

function recentlyReplaced({ replaced }: SessionRecord): SessionRecord['replaced'] {
  return replaced.filter(({ at }) => Date.now() - at.getTime() < graceMs);
}
