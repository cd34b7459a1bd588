import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { type App, createApp } from './app.ts';
import { type Config, ConfigError, readConfig } from './config.ts';

const stopWithinMs = 25_000;

try {
  if (existsSync('.env')) process.loadEnvFile('.env');
  const config = readConfig();
  const app = await createApp(config);
  stopOnSignal(app);
  const { port } = await app.listen();
  process.stdout.write(banner(config, port));
} catch (error) {
  tell(error);
  process.exit(1);
}

/** Ends the server on SIGTERM and SIGINT. npm passes Ctrl-C on beside the terminal, so a second one may follow. */
function stopOnSignal(app: App): void {
  let isStopping = false;
  const stop = () => {
    if (isStopping) return;
    isStopping = true;
    setTimeout(() => process.exit(1), stopWithinMs).unref();
    app.close().then(
      () => process.exit(0),
      (error) => {
        tell(error);
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}

function banner({ host, mongodbUri, dataDir }: Config, port: number): string {
  const database =
    mongodbUri === null
      ? `embedded, data in ${resolve(dataDir)}`
      : `MongoDB at ${mongodbUri.replace(/^mongodb(\+srv)?:\/\/(.*@)?([^/?]+).*$/, '$3')}`;
  return `\n  Parley listens on http://${host ?? 'localhost'}:${port}\n  Database: ${database}\n\n`;
}

/** What is wrong, in words; where it happened too if nobody foresaw it. */
function tell(error: unknown): void {
  const isForeseen = error instanceof ConfigError || (error instanceof Error && error.name === 'Error');
  const isTaken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE' && 'port' in error;
  if (isTaken) {
    process.stderr.write(`Parley: port ${error.port} is taken; set PORT to another one\n`);
    return;
  }
  const text = error instanceof Error ? (isForeseen ? error.message : error.stack) : String(error);
  process.stderr.write(`Parley: ${text}\n`);
}
