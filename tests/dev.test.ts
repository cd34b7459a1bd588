import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';

const root = fileURLToPath(new URL('../..', import.meta.url));
const compilerOptions = {
  rootDir: 'src',
  outDir: 'dist',
  module: 'nodenext',
  types: [],
  noEmitOnError: false,
};

const isRunning = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

/** A program of one line, which tells its version and runs until it is ended. */
const sourceOf = (version: string) =>
  `declare const process: any;\nprocess.stdout.write(\`${version} is \${process.pid}\\n\`);\nsetInterval(() => {}, 1000);\n`;

describe('npm run dev', () => {
  let directory: string;
  let dev: ChildProcess;
  let output: string;
  let wake: () => void;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'parley-dev-'));
    await mkdir(join(directory, 'src', 'part'), { recursive: true });
    await symlink(join(root, 'scripts'), join(directory, 'scripts'));
    const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
    await writeFile(
      join(directory, 'package.json'),
      JSON.stringify({ type: 'module', scripts: { dev: scripts.dev } }),
    );
    await writeFile(join(directory, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['src'] }));
    await save('main.ts', sourceOf('one'));
    output = '';
    wake = () => {};
    dev = spawn('npm', ['run', 'dev'], { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    for (const stream of [dev.stdout, dev.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        output += text;
        wake();
      });
  });
  afterEach(async () => {
    // whatever is left of it
    if (dev.pid !== undefined && isRunning(-dev.pid)) process.kill(-dev.pid, 'SIGKILL');
    await rm(directory, { recursive: true, force: true });
  });

  /** As editors do: another file takes the place of the one that was there. */
  async function save(name: string, text: string): Promise<void> {
    await writeFile(join(directory, 'new'), text);
    await rename(join(directory, 'new'), join(directory, 'src', name));
  }

  async function sees(pattern: RegExp): Promise<string> {
    for (;;) {
      const found = pattern.exec(output);
      if (found) return found[1] ?? '';
      if (dev.exitCode !== null) throw new Error(`It ended with ${dev.exitCode}:\n${output}`);
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  }

  it('runs what is saved, and tells what is wrong with the types', async () => {
    await sees(/one is (\d+)/);
    await save('main.ts', sourceOf('two'));
    const second = await sees(/two is (\d+)/);
    await save('part/new.ts', `export const count: number = 'none';\n`);
    await sees(/part\/new\.ts.*error TS2322/);
    await save('main.ts', sourceOf('three'));
    await sees(/three is (\d+)/);
    expect(isRunning(Number(second))).to.equal(false);
  });

  it('misses nothing that is saved while it compiles', async () => {
    for (let edit = 0; edit < 20; edit++) {
      await save('main.ts', sourceOf(`edit ${edit}`));
      await delay(50);
    }
    await sees(/edit 19 is (\d+)/);
  });

  it('leaves nothing running when npm is told to end', async () => {
    const server = Number(await sees(/one is (\d+)/));
    process.kill(dev.pid ?? 0, 'SIGTERM');
    if (dev.exitCode === null && dev.signalCode === null) await once(dev, 'exit');
    // npm does not wait for what it started
    while (isRunning(-(dev.pid ?? 0))) await delay(20);
    expect(isRunning(server)).to.equal(false);
  });
});
