import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Config } from './config.ts';

const stopWithinMs = 25_000;

// before anything else: loading the app takes most of a second, and a stop may be asked for at any time
const stop = listenForStop();

try {
  if (existsSync('.env')) process.loadEnvFile('.env');
  await run();
  process.exit(0);
} catch (error) {
  tell(error);
  process.exit(1);
}

/** Serves until a stop is asked for, which may be during the start, and closes what was opened. */
async function run(): Promise<void> {
  const { readConfig } = await import('./config.ts');
  const { createApp } = await import('./app.ts');
  const { hostsOf } = await import('./platform/mongodb-address.ts');
  const config = readConfig();
  // loading may take a single turn, and signals are heard in the next one
  await nextTurn();
  if (stop.isAsked) return;
  const app = await createApp(config);
  const serve = async () => {
    const { port } = await app.listen();
    const hosts = config.mongodbUri === null ? null : hostsOf(config.mongodbUri);
    if (!stop.isAsked) process.stdout.write(banner({ config, port, hosts }));
    await stop.asked;
  };
  if (!stop.isAsked) await Promise.race([serve(), stop.asked]);
  await app.close();
}

/** Hears SIGTERM and SIGINT. npm passes Ctrl-C on beside the terminal, so a second one may follow; it changes nothing. */
function listenForStop() {
  const stop = { isAsked: false, asked: Promise.resolve() };
  stop.asked = new Promise((ask) => {
    const hear = () => {
      if (stop.isAsked) return;
      stop.isAsked = true;
      setTimeout(() => process.exit(1), stopWithinMs).unref();
      ask();
    };
    process.on('SIGTERM', hear);
    process.on('SIGINT', hear);
  });
  return stop;
}

/** What is up, and where the data is; of a connection string its hosts alone, as the rest may be secret. */
function banner({ config, port, hosts }: { config: Config; port: number; hosts: string | null }): string {
  const database = hosts === null ? `embedded, data in ${resolve(config.dataDir)}` : `MongoDB at ${hosts}`;
  return `\n  Parley listens on http://${config.host ?? 'localhost'}:${port}\n  Database: ${database}\n\n`;
}

/** What is wrong, in words; where it happened too if nobody foresaw it. */
function tell(error: unknown): void {
  const isForeseen = error instanceof Error && ['ConfigError', 'Error'].includes(error.name);
  const isTaken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE' && 'port' in error;
  if (isTaken) {
    process.stderr.write(`Parley: port ${error.port} is taken; set PORT to another one\n`);
    return;
  }
  const text = error instanceof Error ? (isForeseen ? error.message : error.stack) : String(error);
  process.stderr.write(`Parley: ${text}\n`);
}
