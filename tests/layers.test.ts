import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';

const root = fileURLToPath(new URL('../..', import.meta.url));
const biome = join(root, 'node_modules', '@biomejs', 'biome', 'bin', 'biome');

/** What must not be imported where, by a file of that layer. */
const forbidden: Record<string, string[]> = {
  'src/main.ts': ['./platform/logger.ts', './wiring/features.ts', 'express'],
  'src/app.ts': ['./features/users/users.store.ts', './transports/rest.ts', 'mongoose', 'express'],
  'src/config.ts': ['./platform/logger.ts', './core/errors.ts', 'pino'],
  'src/contracts.ts': ['./features/users/users.rules.ts', './platform/logger.ts', 'express'],
  'src/core/planted.ts': [
    ...['node:https', 'node:dns', 'node:fs', 'sharp', 'mongoose', 'zod/v4'],
    ...['../settings/codes.ts', '../features/users/users.contract.ts', '../contracts.ts', '../config.ts'],
  ],
  'src/features/users/planted.contract.ts': [
    ...['./user-views.ts', './users.rules.ts', './users.store.ts', '../groups/group-views.ts'],
    ...['../../contracts.ts', 'node:crypto', 'mongoose'],
  ],
  'src/features/users/planted.rules.ts': ['./user-views.ts', './users.store.ts', 'zod', 'node:crypto'],
  'src/features/users/planted.store.ts': [
    ...['./user-views.ts', './users.service.ts', '../groups/groups.rules.ts', '../groups/groups.store.ts'],
    ...['../../platform/database.ts', 'zod', 'mongodb', 'mongoose/lib/connection.js'],
  ],
  'src/features/users/planted.service.ts': [
    ...['nodemailer', 'sharp', 'aws4fetch', 'node:https', 'node:fs', 'socket.io-client', 'ws', 'pino'],
    ...['mongoose', 'mongoose/lib/connection.js', 'bson', 'node:child_process'],
    ...['../groups/group-views.ts', './../groups/groups.store.ts', '../../features/groups/groups.rules.ts'],
    ...['../../platform/tokens.ts', '../../settings/codes.ts', '../../contracts.ts', '../../config.ts'],
  ],
  'src/transports/planted.ts': [
    ...['../features/users/user-views.ts', '../features/messages/message-writer.ts', '../platform/logger.ts'],
    ...['../features/users/users.rules.ts', '../wiring/features.ts', '../config.ts'],
    ...['jsonwebtoken', 'mongoose', 'pino', 'node:fs'],
  ],
  'src/platform/planted.ts': [
    ...['../contracts.ts', '../config.ts', '../features/users/users.contract.ts', '../settings/mail.ts'],
    ...['mongoose', 'express', 'ws', 'lmdb', 'node:https'],
  ],
  'src/platform/mail/planted.ts': ['../../contracts.ts', '../../transports/rest.ts', 'mongoose', 'express'],
  'src/platform/planted.store.ts': ['../contracts.ts', '../features/users/users.store.ts', 'sharp'],
  'src/settings/planted.ts': ['mongoose', 'express', '../platform/database.ts', '../core/errors.ts'],
  'src/wiring/planted.ts': ['express', 'socket.io', 'zod', 'lmdb', '../app.ts', '../embedded-mongo/index.ts'],
  'src/embedded-mongo/planted.ts': [
    ...['pino', 'ws', 'zod', 'mongoose', 'mongodb', 'node:https'],
    ...['../settings/fields.ts', '../core/errors.ts', '../config.ts'],
  ],
  'src/embedded-mongo/commands/planted.ts': ['pino', 'mongodb', '../../core/errors.ts', '../../config.ts'],
  'src/chat/planted.ts': [
    '../core/errors.ts',
    '../config.ts',
    '../features/users/user-views.ts',
    'ws',
    'pino',
  ],
};

/** By what is imported, not from where. */
const forbiddenNames = {
  'src/wiring/planted-models.ts':
    "import { model, Schema } from 'mongoose';\nimport mongoose from 'mongoose';",
  'src/wiring/planted-logger.ts': "import { pino } from 'pino';",
};

const importing = (sources: string[]) => sources.map((source) => `import '${source}';`).join('\n');

/** Where the linter refuses an import, as `file:line`. */
async function refusedIn(directory: string): Promise<string[]> {
  const options = ['--only=style/noRestrictedImports', '--vcs-enabled=false', '--max-diagnostics=none'];
  const output = await new Promise<string>((resolve) => {
    execFile(
      process.execPath,
      [biome, 'lint', ...options, '--reporter=github', 'src'],
      { cwd: directory },
      (_failure, stdout) => resolve(stdout),
    );
  });
  return [...output.matchAll(/noRestrictedImports,file=(?:.*\/)?(src\/.*?),line=(\d+),/g)].map(
    ([, file, line]) => `${file}:${line}`,
  );
}

describe('the layers', () => {
  let directory: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'parley-layers-'));
    await copyFile(join(root, 'biome.json'), join(directory, 'biome.json'));
  });
  after(() => rm(directory, { recursive: true, force: true }));

  async function plant(files: Record<string, string>): Promise<void> {
    for (const [file, text] of Object.entries(files)) {
      await mkdir(dirname(join(directory, file)), { recursive: true });
      await writeFile(join(directory, file), `${text}\n`);
    }
  }

  it('are kept by the linter: an import that a layer is not allowed is refused', async () => {
    const files = Object.entries(forbidden).map(([file, sources]) => [file, importing(sources)]);
    const planted: Record<string, string> = { ...Object.fromEntries(files), ...forbiddenNames };
    await plant(planted);
    const refused = new Set(await refusedIn(directory));
    const missed = Object.entries(planted).flatMap(([file, text]) =>
      text.split('\n').filter((_, index) => !refused.has(`${file}:${index + 1}`)),
    );
    expect(missed).to.deep.equal([]);
  });

  it('have no part of src without a rule, so that a new library is allowed nowhere by itself', async () => {
    const entries = await readdir(join(root, 'src'), { recursive: true, withFileTypes: true });
    const folders = entries
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(entry.parentPath, entry.name).slice(root.length));
    const files = [...folders, 'src', 'src/new'].map((folder) => `${folder}/library.ts`);
    await plant(Object.fromEntries(files.map((file) => [file, importing(['left-pad'])])));
    expect(await refusedIn(directory)).to.include.members(files.map((file) => `${file}:1`));
  });
});
