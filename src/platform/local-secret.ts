import { randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A secret made for this machine on first use and kept beside the data, readable by its owner alone. */
export async function localSecret(dataDir: string, name: string): Promise<string> {
  const directory = join(dataDir, 'secrets');
  const file = join(directory, name);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const draft = join(directory, `${name}.${randomBytes(6).toString('hex')}`);
  await writeFile(draft, randomBytes(48).toString('base64url'), { mode: 0o600, flush: true });
  try {
    // whole or not at all, whenever the process ends; the first of several wins
    await link(draft, file);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  } finally {
    await rm(draft);
  }
  const secret = await readFile(file, 'utf8');
  if (secret.length < 32) throw new Error(`${file} is damaged; remove it, and everybody has to log in again`);
  return secret;
}
