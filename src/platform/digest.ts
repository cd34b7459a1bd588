import { createHmac, hkdfSync } from 'node:crypto';

/** Digests that nobody without the secret can compute, so that short or well-known texts cannot be guessed from them. */
export function createDigest(secret: string, purpose: string): (text: string) => string {
  const key = Buffer.from(hkdfSync('sha256', secret, '', `parley ${purpose}`, 32));
  return (text) => createHmac('sha256', key).update(text).digest('base64url');
}
