/** `npm run dev`: the compiler watches src, Node.js watches what it writes. Ctrl-C reaches both, and both end by it. */
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const typescript = dirname(createRequire(import.meta.url).resolve('typescript/package.json'));
const programs = [
  [join(typescript, 'bin', 'tsc'), '--watch', '--preserveWatchOutput'],
  ['--watch', '--watch-preserve-output', join('dist', 'main.js')],
].map((arguments_) => spawn(process.execPath, arguments_, { stdio: 'inherit' }));

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    for (const program of programs) program.kill(signal);
  });
}
