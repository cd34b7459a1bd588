import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { io, type Socket } from 'socket.io-client';
import { openExternalDatabase, temporaryDirectory } from './databases.ts';
import { chooseCores } from './processes.ts';
import { seedConversations } from './seed.ts';
import { type CpuSample, modulePath, startServer } from './servers.ts';
import { median, percentile } from './statistics.ts';

/**
 * `npm run bench:catch-up`: what a device costs that was away for 50,000 messages in 200 conversations. It prints how
 * much memory the server took for a tenth of them and for all of them: pages are bounded, so both should be alike.
 */
const { values } = parseArgs({
  options: {
    database: { type: 'string' },
    node: { type: 'string', default: process.execPath },
    conversations: { type: 'string', default: '200' },
    messages: { type: 'string', default: '250' },
  },
});
const conversations = Number(values.conversations);
const messagesEach = Number(values.messages);
const pageLimit = 500;
const mebibyte = 1024 * 1024;

interface Page {
  items: { conversation: { id: string }; entries: { seq: number }[] }[];
  nextCursor: string | null;
}

interface CaughtUp {
  entries: number;
  pages: { ms: number; bytes: number }[];
}

const cores = chooseCores();
const database = await openExternalDatabase(values.database ?? null, cores);
const directory = await temporaryDirectory();
try {
  const uri = database.uriOf(`parley-bench-${randomBytes(4).toString('hex')}`);
  const jwtSecret = randomBytes(32).toString('base64url');
  console.error(`database: ${database.description}; seeding ${conversations} conversations`);
  const { person, conversationIds } = await seedConversations({
    uri,
    jwtSecret,
    conversations,
    messagesEach,
  });
  const environment = { MONGODB_URI: uri, DATA_DIR: directory, JWT_SECRET: jwtSecret, RATE_LIMITS: 'on' };
  const options = { node: values.node, profileDir: null };
  const server = await startServer({
    entry: modulePath('../src/main.js'),
    cwd: directory,
    environment,
    options,
    cores,
  });
  const socket = await connect(server.url, person.token);
  const [tenth, all] = [conversationIds.slice(0, Math.ceil(conversations / 10)), conversationIds];
  await catchUp(socket, tenth);
  const before = await server.sampleCpu();
  await catchUp(socket, tenth);
  const afterTenth = await server.sampleCpu();
  const caughtUp = await catchUp(socket, all);
  const afterAll = await server.sampleCpu();
  socket.disconnect();
  await server.stop();
  print(caughtUp, { before, afterTenth, afterAll });
} finally {
  await database.stop();
  await rm(directory, { recursive: true, force: true });
}

function connect(url: string, token: string): Promise<Socket> {
  const socket = io(url, { auth: { token }, transports: ['websocket'], reconnection: false });
  return new Promise((resolve, reject) => {
    socket.once('connect', () => resolve(socket));
    socket.once('connect_error', reject);
  });
}

/** Names what it holds – nothing of any of them – and asks until there is no more; every entry has to come once. */
async function catchUp(socket: Socket, ids: readonly string[]): Promise<CaughtUp> {
  const known = Object.fromEntries(ids.map((id) => [id, 0]));
  const heard = new Map<string, number>();
  const caughtUp: CaughtUp = { entries: 0, pages: [] };
  let cursor: string | null = null;
  do {
    const askedAt = performance.now();
    const answer = await socket.timeout(10_000).emitWithAck('sync', {
      conversations: known,
      partial: true,
      limit: pageLimit,
      ...(cursor !== null && { cursor }),
    });
    if (answer.error?.code === 'rate_limited') {
      await delay(answer.error.retryAfterMs);
      continue;
    }
    if (!answer.ok) throw new Error(`sync was refused: ${JSON.stringify(answer.error)}`);
    const page = answer.data as Page;
    caughtUp.pages.push({ ms: performance.now() - askedAt, bytes: Buffer.byteLength(JSON.stringify(page)) });
    for (const { conversation, entries } of page.items)
      for (const { seq } of entries) {
        if (seq !== (heard.get(conversation.id) ?? 0) + 1) throw new Error(`A hole before ${seq}`);
        heard.set(conversation.id, seq);
        caughtUp.entries++;
      }
    cursor = page.nextCursor;
  } while (cursor !== null || caughtUp.pages.length === 0);
  if (caughtUp.entries !== ids.length * messagesEach) throw new Error(`${caughtUp.entries} entries came`);
  return caughtUp;
}

function print(
  { entries, pages }: CaughtUp,
  memory: Record<'before' | 'afterTenth' | 'afterAll', CpuSample>,
): void {
  const times = pages.map(({ ms }) => ms);
  const largest = Math.max(...pages.map(({ bytes }) => bytes));
  const cpuMicros = memory.afterAll.cpuMicros - memory.afterTenth.cpuMicros;
  const mib = (bytes: number) => `${(bytes / mebibyte).toFixed(1)} MiB`;
  console.log(
    [
      `entries: ${entries} in ${pages.length} pages`,
      `page: ${median(times).toFixed(0)} ms (p99 ${percentile(times, 0.99).toFixed(0)} ms), ${mib(largest)} at most`,
      `server CPU per entry: ${(cpuMicros / entries).toFixed(1)} µs`,
      `server memory, peak: ${mib(memory.before.peakBytes)} before, ${mib(memory.afterTenth.peakBytes)} after a tenth, ${mib(memory.afterAll.peakBytes)} after all`,
    ].join('\n'),
  );
}
