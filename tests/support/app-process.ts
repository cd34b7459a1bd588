/** The app with settings that no variable sets: `node app-process.js '<overrides as JSON>'`. */
import { createApp } from '../../src/app.ts';
import { type Config, readConfig } from '../../src/config.ts';

const overrides = JSON.parse(process.argv[2] ?? '{}') as Partial<Config>;
const app = await createApp({ ...readConfig(), ...overrides });
process.on('SIGTERM', () => void app.close().then(() => process.exit(0)));
const { port } = await app.listen();
process.stdout.write(`listens on http://127.0.0.1:${port}\n`);
