import { parseArgs } from 'node:util';
import { openEmbeddedServer } from './embedded-server.ts';

const usage = 'npm run db -- [--dir DIRECTORY] [--listen PORT|SOCKET]';

const { dir, listen } = readArguments();

function readArguments() {
  try {
    return parseArgs({
      options: { dir: { type: 'string', default: './data' }, listen: { type: 'string' } },
    }).values;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\nUsage: ${usage}\n`);
    process.exit(2);
  }
}

function end(error: unknown): never {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exit(1);
}

try {
  const server = await openEmbeddedServer({ directory: dir, listen }, end);
  let isClosing = false;
  const close = () => {
    if (isClosing) return;
    isClosing = true;
    server.close().then(() => process.exit(0), end);
  };
  process.on('SIGTERM', close);
  process.on('SIGINT', close);
  process.stdout.write(`ready ${server.uri}\n`);
} catch (error) {
  end(error);
}
