import { parseArgs } from 'node:util';
import { openEmbeddedServer } from './embedded-server.ts';

const { values } = parseArgs({
  options: { dir: { type: 'string', default: './data' }, listen: { type: 'string' } },
});

function end(error: unknown): never {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exit(1);
}

try {
  const server = await openEmbeddedServer({ directory: values.dir, listen: values.listen }, end);
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
