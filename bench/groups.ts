import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { io, type Socket } from 'socket.io-client';
import { dropDatabase, openExternalDatabase, temporaryDirectory } from './databases.ts';
import type { Person } from './load-protocol.ts';
import { chooseCores } from './processes.ts';
import { seedMembers, seedPeople } from './seed.ts';
import { modulePath, startServer } from './servers.ts';
import { median } from './statistics.ts';

/**
 * `npm run bench:groups`: what people wait for in a group of 10,000, beside one of 100. Nothing but its end may depend on
 * how many are in it, and that has to come before clients give up waiting.
 */
const { values } = parseArgs({
  options: {
    database: { type: 'string' },
    node: { type: 'string', default: process.execPath },
    members: { type: 'string', default: '10000' },
    runs: { type: 'string', default: '21' },
  },
});
const sizes = [100, Number(values.members)];
const runs = Number(values.runs);
/** What takes longer has an unknown outcome for who waits for it. */
const mostMs = 5500;

interface Group {
  id: string;
  owner: Socket;
  member: Socket;
  newcomer: Socket;
}

type Work = (group: Group, run: number) => [socket: Socket, event: string, input: object];

/** In this order; each as often as it is measured, for both groups in turn. */
const works: Record<string, Work> = {
  'show it': ({ member, id: groupId }) => [member, 'group_get', { groupId }],
  'a page of members': ({ member, id: groupId }) => [member, 'group_member_list', { groupId, limit: 100 }],
  'send a message': ({ owner, id: groupId }) => [owner, 'group_message', { groupId, content: 'hello' }],
  'send one to all': ({ owner, id: groupId }) => [
    owner,
    'group_message',
    { groupId, content: 'hello', mentions: ['all'] },
  ],
  history: ({ member, id: groupId }) => [member, 'message_history', { groupId }],
  'count the unread': ({ member }) => [member, 'unread_count', {}],
  'list conversations': ({ member }) => [member, 'conversation_list', {}],
  'catch up': ({ member, id }) => [member, 'sync', { conversations: { [id]: 1 } }],
  'read all': ({ member, id: groupId }) => [member, 'conversation_read', { groupId }],
  'change the name': ({ owner, id: groupId }, run) => [
    owner,
    'group_update',
    { groupId, name: `Name ${run}` },
  ],
  'join and leave': ({ newcomer, id: groupId }, run) => [
    newcomer,
    run % 2 === 0 ? 'group_join' : 'group_leave',
    { groupId },
  ],
};

const cores = chooseCores();
const database = await openExternalDatabase(values.database ?? null, cores);
const directory = await temporaryDirectory();
const uri = database.uriOf(`parley-bench-${randomBytes(4).toString('hex')}`);
try {
  const jwtSecret = randomBytes(32).toString('base64url');
  console.error(`database: ${database.description}; seeding groups of ${sizes.join(' and ')}`);
  const people = await seedPeople({ uri, jwtSecret, count: 3 * sizes.length });
  const server = await startServer({
    entry: modulePath('../src/main.js'),
    cwd: directory,
    environment: {
      MONGODB_URI: uri,
      DATA_DIR: directory,
      JWT_SECRET: jwtSecret,
      RATE_LIMITS: 'on',
      GROUP_MAX_MEMBERS: '100000',
    },
    options: { node: values.node, profileDir: null },
    cores,
  });
  const groups: Group[] = [];
  for (const [index, size] of sizes.entries())
    groups.push(await build(server.url, people.slice(3 * index, 3 * index + 3), size));
  await compare(groups);
  await dissolve(groups);
  await server.stop();
} finally {
  await dropDatabase(uri);
  await database.stop();
  await rm(directory, { recursive: true, force: true });
}

async function build(url: string, people: readonly Person[], size: number): Promise<Group> {
  const [owner, member, newcomer] = (await Promise.all(people.map(({ token }) => connect(url, token)))) as [
    Socket,
    Socket,
    Socket,
  ];
  const { id } = (await call(owner, 'group_create', { name: 'Group', joinMode: 'open' })).data as {
    id: string;
  };
  await call(member, 'group_join', { groupId: id });
  await seedMembers({ uri, groupId: id, count: size - 2 });
  return { id, owner, member, newcomer };
}

function connect(url: string, token: string): Promise<Socket> {
  const socket = io(url, { auth: { token }, transports: ['websocket'], reconnection: false });
  return new Promise((resolve, reject) => {
    socket.once('connect', () => resolve(socket));
    socket.once('connect_error', reject);
  });
}

/** Waits as it is told where it is too fast; that time is not measured. Fails if it is refused for anything else. */
async function call(socket: Socket, event: string, input: object): Promise<{ data: unknown; ms: number }> {
  for (;;) {
    const askedAt = performance.now();
    const answer = await socket.timeout(60_000).emitWithAck(event, input);
    const ms = performance.now() - askedAt;
    if (answer.ok) return { data: answer.data, ms };
    if (answer.error?.code !== 'rate_limited') throw new Error(`${event}: ${JSON.stringify(answer.error)}`);
    await delay(answer.error.retryAfterMs);
  }
}

async function compare(groups: readonly Group[]): Promise<void> {
  console.log(`| ms, median of ${runs} | ${sizes.map((size) => `${size} members`).join(' | ')} |`);
  console.log(`| --- | ${sizes.map(() => '---').join(' | ')} |`);
  for (const [what, work] of Object.entries(works)) {
    const times = groups.map((): number[] => []);
    for (let run = 0; run < runs; run++)
      for (const [index, group] of groups.entries()) times[index]?.push((await call(...work(group, run))).ms);
    console.log(`| ${what} | ${times.map((each) => median(each).toFixed(1)).join(' | ')} |`);
  }
}

async function dissolve(groups: readonly Group[]): Promise<void> {
  const times: number[] = [];
  for (const { owner, member, newcomer, id: groupId } of groups) {
    const { ms } = await call(owner, 'group_dissolve', { groupId });
    if (ms > mostMs) throw new Error(`Its end took ${ms.toFixed(0)} ms`);
    times.push(ms);
    for (const socket of [owner, member, newcomer]) socket.disconnect();
  }
  console.log(`| end it | ${times.map((ms) => ms.toFixed(1)).join(' | ')} |`);
}
