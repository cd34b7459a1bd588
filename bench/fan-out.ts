import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { countMessages, dropDatabase, openExternalDatabase, temporaryDirectory } from './databases.ts';
import { type Load, startLoad } from './load.ts';
import type { Person, Room } from './load-protocol.ts';
import { measure } from './measure.ts';
import { chooseCores } from './processes.ts';
import { describeMachine, type Figures } from './report.ts';
import { inventPerson, seedPeople } from './seed.ts';
import { modulePath, type RunningServer, startServer, versionOf } from './servers.ts';
import { median } from './statistics.ts';

/**
 * `npm run bench:fan-out`: what bringing a message to one of many members costs the server, as a multiple of a bare
 * Socket.IO room with as many sockets and messages of the same size.
 */
const { values } = parseArgs({
  options: {
    database: { type: 'string' },
    node: { type: 'string', default: process.execPath },
    rounds: { type: 'string', default: '5' },
    members: { type: 'string', default: '500' },
    rate: { type: 'string', default: '40' },
    'cpu-prof': { type: 'string' },
  },
});
const memberCount = Number(values.members);
const flow = { kind: 'steady', ratePerSecond: Number(values.rate) } as const;
/** Faster, so that what is done once per message is compiled as well. */
const warmUp = {
  flow: { kind: 'steady', ratePerSecond: 1.5 * flow.ratePerSecond },
  plan: { leadMs: 29_000, measureMs: 1000 },
} as const;
const round = { leadMs: 1000, measureMs: 5000 };
/** Messages whose sizes differ by more cannot be compared. */
const mostSizeDifference = 0.03;

interface Subject {
  title: string;
  server: RunningServer;
  load: Load;
  figures: Figures[];
}

const undos: (() => Promise<void>)[] = [];
const cores = chooseCores();
const options = { node: values.node, profileDir: values['cpu-prof'] ?? null };
try {
  const bare = await prepareBareRoom();
  const { uri, ...parley } = await prepareParley();
  const subjects = [bare, parley];
  for (const { title, server, load } of subjects) {
    console.error(`warming up: ${title}`);
    await measure({ server, load }, warmUp.flow, warmUp.plan);
  }
  for (let at = 1; at <= Number(values.rounds); at++) {
    for (const { title, server, load, figures } of subjects) {
      const seen = await measure({ server, load }, flow, round);
      figures.push(seen);
      console.error(`round ${at}, ${title}: ${perDelivery(seen).toFixed(2)} µs per delivery`);
    }
  }
  const bytes = await verify(subjects, uri);
  print(bare.figures, parley.figures, bytes);
} finally {
  for (const undo of undos.reverse()) await undo().catch((error) => console.error(error));
}

async function prepareBareRoom(): Promise<Subject> {
  const members = Array.from({ length: memberCount }, inventPerson);
  const groupId = randomBytes(12).toString('hex');
  const server = await start(modulePath('./room-server.js'), await ownDirectory(), {});
  return gather('bare room', server, { groupId, members });
}

async function prepareParley(): Promise<Subject & { uri: string }> {
  const database = await openExternalDatabase(values.database ?? null, cores);
  undos.push(database.stop);
  console.error(`database: ${database.description}; seeding ${memberCount} people`);
  const uri = database.uriOf(`parley-bench-${randomBytes(4).toString('hex')}`);
  undos.push(() => dropDatabase(uri));
  const jwtSecret = randomBytes(32).toString('base64url');
  const members = await seedPeople({ uri, jwtSecret, count: memberCount });
  const directory = await ownDirectory();
  const server = await start(modulePath('../src/main.js'), directory, {
    MONGODB_URI: uri,
    DATA_DIR: directory,
    JWT_SECRET: jwtSecret,
    RATE_LIMITS: 'on',
    GROUP_MAX_MEMBERS: String(memberCount),
  });
  const groupId = await buildGroup(server.url, members);
  return { ...(await gather('Parley', server, { groupId, members })), uri };
}

async function ownDirectory(): Promise<string> {
  const directory = await temporaryDirectory();
  undos.push(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

async function start(entry: string, cwd: string, environment: Record<string, string>) {
  const server = await startServer({ entry, cwd, environment, options, cores });
  undos.push(server.stop);
  return server;
}

async function gather(title: string, server: RunningServer, room: Room): Promise<Subject> {
  const load = await startLoad(cores);
  undos.push(load.stop);
  await load.gather(server.url, room);
  return { title, server, load, figures: [] };
}

/** Makes an open group, which everybody else joins; answers its id. */
async function buildGroup(url: string, members: readonly Person[]): Promise<string> {
  const [owner, ...others] = members;
  if (!owner) throw new Error('A group needs an owner');
  const { id } = await post(url, owner, '/api/groups', { name: 'Everybody', joinMode: 'open' });
  for (const other of others) await post(url, other, `/api/groups/${id}/join`, {});
  return String(id);
}

async function post(url: string, { token }: Person, path: string, body: object) {
  const response = await fetch(url + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`POST ${path} answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as Record<string, unknown>;
}

function perDelivery({ cpuMicrosPerMessage }: Figures): number {
  return cpuMicrosPerMessage / (memberCount - 1);
}

/** Ends loads and servers; throws unless everything was stored, and messages are of one size. Answers that size. */
async function verify(subjects: readonly Subject[], uri: string): Promise<number> {
  const sizes: number[] = [];
  for (const { title, server, load } of subjects) {
    const { acked, delivered, disordered, messageBytes } = await load.finish();
    await server.stop();
    if (disordered > 0) throw new Error(`${title} delivered ${disordered} out of order`);
    console.error(
      `${title}: ${acked} messages acknowledged, ${delivered} deliveries, each once and in order`,
    );
    sizes.push(messageBytes);
    // the log holds what happened to the group as well
    if (title === 'Parley' && (await countMessages(uri)) < acked) throw new Error('Not all was stored');
  }
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)];
  if (most - least > least * mostSizeDifference) throw new Error(`Messages of ${sizes.join(' and ')} bytes`);
  return most;
}

function print(bare: readonly Figures[], parley: readonly Figures[], messageBytes: number): void {
  const ratios = parley.map((figures, at) => perDelivery(figures) / perDelivery(bare[at] ?? figures));
  const micros = (figures: readonly Figures[]) => median(figures.map(perDelivery)).toFixed(2);
  const delivered = (figures: readonly Figures[]) => {
    const of = (key: 'deliveryP50Ms' | 'deliveryP99Ms') =>
      median(figures.map((each) => each[key])).toFixed(1);
    return `p50 ${of('deliveryP50Ms')} ms, p99 ${of('deliveryP99Ms')} ms`;
  };
  console.log(
    [
      `${describeMachine()}; servers on Node.js ${versionOf(values.node)}, load on ${process.version}`,
      `${memberCount} members, ${flow.ratePerSecond} messages of ${messageBytes} bytes per second, ${bare.length} rounds`,
      `server CPU per delivery: ${median(ratios).toFixed(2)} × a bare room (${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)})`,
      `bare room: ${micros(bare)} µs; delivered after ${delivered(bare)}`,
      `Parley: ${micros(parley)} µs; delivered after ${delivered(parley)}`,
    ].join('\n'),
  );
}
