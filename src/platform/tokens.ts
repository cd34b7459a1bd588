import { createHash, createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';
import jwt from 'jsonwebtoken';

const issuer = 'parley';

/** What a token is good for; one kind never passes for another. */
const kinds = {
  access: { audience: 'parley-clients', typ: 'at+jwt' },
  files: { audience: 'parley-files', typ: 'fa+jwt' },
} as const;
type Kind = keyof typeof kinds;

const fileAccessLifetimeSeconds = 3600;

const isId = (value: unknown): value is string => typeof value === 'string' && /^[0-9a-f]{24}$/.test(value);

const sessionBytes = 12;
const nonceBytes = 16;
const tagBytes = 16;

interface Claims {
  userId: string;
  sessionId: string;
}

/**
 * Access tokens (HS256 JWTs that name a session), such for reading files only, and refresh tokens: opaque, `session | nonce | tag`. The tag tells ours
 * from forged ones, so that only a token that was really issued counts as a replay; the next nonce is derived from the
 * token before it, so that a repeated rotation gives the same successor without anything readable being stored.
 */
export function createTokens({
  secret,
  accessLifetimeSeconds,
}: {
  secret: string;
  accessLifetimeSeconds: number;
}) {
  const refreshKey = Buffer.from(hkdfSync('sha256', secret, '', 'parley refresh token', 32));
  const mac = (purpose: string, data: Buffer) =>
    createHmac('sha256', refreshKey).update(purpose).update(data).digest();

  function seal(sessionId: string, nonce: Buffer): string {
    const named = Buffer.concat([Buffer.from(sessionId, 'hex'), nonce]);
    return Buffer.concat([named, mac('tag', named).subarray(0, tagBytes)]).toString('base64url');
  }

  function sessionOf(refreshToken: string): string | null {
    const bytes = Buffer.from(refreshToken, 'base64url');
    if (bytes.length !== sessionBytes + nonceBytes + tagBytes) return null;
    const named = bytes.subarray(0, -tagBytes);
    if (!timingSafeEqual(mac('tag', named).subarray(0, tagBytes), bytes.subarray(-tagBytes))) return null;
    return named.subarray(0, sessionBytes).toString('hex');
  }

  function issue(kind: Kind, { userId, sessionId }: Claims, expiresIn: number): string {
    const { audience, typ } = kinds[kind];
    return jwt.sign({ sid: sessionId }, secret, {
      algorithm: 'HS256',
      header: { alg: 'HS256', typ },
      subject: userId,
      issuer,
      audience,
      expiresIn,
    });
  }

  /** Algorithm, audience, issuer and type are pinned. */
  function verify(kind: Kind, token: string): Claims | null {
    const { audience, typ } = kinds[kind];
    try {
      const { header, payload } = jwt.verify(token, secret, {
        algorithms: ['HS256'],
        issuer,
        audience,
        complete: true,
      });
      if (header.typ !== typ || typeof payload === 'string') return null;
      const { sub, sid, exp } = payload;
      return isId(sub) && isId(sid) && exp !== undefined ? { userId: sub, sessionId: sid } : null;
    } catch {
      return null;
    }
  }

  return {
    accessLifetimeSeconds,
    fileAccessLifetimeSeconds,
    sessionOf,

    issueAccess: (claims: Claims): string => issue('access', claims, accessLifetimeSeconds),
    issueFileAccess: (claims: Claims): string => issue('files', claims, fileAccessLifetimeSeconds),

    /** The claims of a token of ours that has not expired, else `null`. */
    verifyAccess: (token: string): Claims | null => verify('access', token),
    verifyFileAccess: (token: string): Claims | null => verify('files', token),

    firstRefresh: (sessionId: string): string => seal(sessionId, randomBytes(nonceBytes)),

    successorOf(refreshToken: string): string {
      const bytes = Buffer.from(refreshToken, 'base64url');
      const nonce = mac('successor', bytes).subarray(0, nonceBytes);
      return seal(bytes.subarray(0, sessionBytes).toString('hex'), nonce);
    },

    hash: (refreshToken: string): string =>
      createHash('sha256').update(Buffer.from(refreshToken, 'base64url')).digest('base64url'),
  };
}
