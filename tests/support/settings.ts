import { readFile } from 'node:fs/promises';
import { ConfigError, readConfig } from '../../src/config.ts';

/** What is wrong with these variables. */
export function faultsOf(environment: Record<string, string | undefined>): readonly string[] {
  try {
    readConfig(environment);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
}

/** What `.env.example` sets, by name. */
export async function readExample(): Promise<[string, string][]> {
  return (await readFile('.env.example', 'utf8')).split('\n').flatMap((line): [string, string][] => {
    const [, name, value] = /^#? ?([A-Z][A-Z0-9_]*)=(.*)$/.exec(line) ?? [];
    return name === undefined ? [] : [[name, value ?? '']];
  });
}
