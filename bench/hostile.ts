import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { io, type Socket } from 'socket.io-client';
import { openExternalDatabase, temporaryDirectory } from './databases.ts';
import type { Pair, Person } from './load-protocol.ts';
import { chooseCores } from './processes.ts';
import { seedPairs } from './seed.ts';
import { modulePath, startServer } from './servers.ts';
import { median, percentile } from './statistics.ts';

/**
 * `npm run bench:hostile`: how long ordinary people wait for their acknowledgements while one client sends as fast as it
 * can and another asks for everything and never reads. It prints ratios to a calm phase of the same round.
 */
const { values } = parseArgs({
  options: {
    database: { type: 'string' },
    node: { type: 'string', default: process.execPath },
    rounds: { type: 'string', default: '5' },
  },
});
const ordinaryPairs = 20;
const sendEveryMs = 200;
const phaseMs = 8000;
const leadMs = 2000;

const cores = chooseCores();
const database = await openExternalDatabase(values.database ?? null, cores);
const directory = await temporaryDirectory();
try {
  const uri = database.uriOf(`parley-bench-${randomBytes(4).toString('hex')}`);
  const jwtSecret = randomBytes(32).toString('base64url');
  const people = await seedPairs({ uri, jwtSecret, count: ordinaryPairs + 2 });
  const environment = { MONGODB_URI: uri, DATA_DIR: directory, JWT_SECRET: jwtSecret, RATE_LIMITS: 'on' };
  const options = { node: values.node, profileDir: null };
  const entry = modulePath('../src/main.js');
  const server = await startServer({ entry, cwd: directory, environment, options, cores });
  const [flooding, deaf, ...pairs] = people as [Pair, Pair, ...Pair[]];
  const senders = await Promise.all(
    pairs.map(async (pair) => ({ pair, socket: await connect(server.url, pair.sender) })),
  );
  await ackTimes(senders, leadMs);
  const rounds: { calm: number[]; attacked: number[] }[] = [];
  for (let round = 1; round <= Number(values.rounds); round++) {
    const calm = await ackTimes(senders, phaseMs);
    const endAttack = attack(server.url, flooding, deaf.receiver);
    await delay(leadMs);
    const attacked = await ackTimes(senders, phaseMs);
    const { sent, reconnects } = await endAttack();
    await delay(leadMs);
    rounds.push({ calm, attacked });
    console.error(
      `round ${round}: ${sent} messages of the flood, ${reconnects} reconnects of it; ${inShort({ calm, attacked })}`,
    );
  }
  for (const { socket } of senders) socket.disconnect();
  await server.stop();
  print(rounds);
} finally {
  await database.stop();
  await rm(directory, { recursive: true, force: true });
}

function connect(url: string, { token }: Person): Promise<Socket> {
  const socket = io(url, { auth: { token }, transports: ['websocket'], reconnection: false, forceNew: true });
  return new Promise((resolve, reject) => {
    socket.once('connect', () => resolve(socket));
    socket.once('connect_error', reject);
  });
}

/** Everybody sends at an even rate; answers how long each acknowledgement took. */
async function ackTimes(
  senders: readonly { pair: Pair; socket: Socket }[],
  forMs: number,
): Promise<number[]> {
  const times: number[] = [];
  const waiting: Promise<void>[] = [];
  const until = performance.now() + forMs;
  while (performance.now() < until) {
    for (const { pair, socket } of senders) {
      const sentAt = performance.now();
      const message = { receiverId: pair.receiver.userId, content: 'hello' };
      const sending = socket.timeout(10_000).emitWithAck('private_message', message);
      waiting.push(
        sending.then((answer) => {
          if (!answer.ok) throw new Error(`an ordinary message was refused: ${answer.error.code}`);
          times.push(performance.now() - sentAt);
        }),
      );
      await delay(sendEveryMs / senders.length);
    }
  }
  await Promise.all(waiting);
  return times;
}

/** Lets an attacker loose in a thread of its own; answers a function that ends it and tells what it got rid of. */
function attack(
  url: string,
  flooding: Pair,
  deaf: Person,
): () => Promise<{ sent: number; reconnects: number }> {
  const attacker = new Worker(new URL('./attacker.js', import.meta.url), {
    workerData: { url, flooding, deaf },
  });
  return async () => {
    attacker.postMessage('end');
    const [told] = await once(attacker, 'message');
    return told;
  };
}

function inShort({ calm, attacked }: { calm: number[]; attacked: number[] }): string {
  const of = (times: number[]) =>
    `p50 ${percentile(times, 0.5).toFixed(1)}, p99 ${percentile(times, 0.99).toFixed(1)} ms`;
  return `calm ${of(calm)}; attacked ${of(attacked)}`;
}

function print(rounds: readonly { calm: number[]; attacked: number[] }[]): void {
  for (const share of [0.5, 0.99]) {
    const ratios = rounds.map(({ calm, attacked }) => percentile(attacked, share) / percentile(calm, share));
    const [least, most] = [Math.min(...ratios), Math.max(...ratios)];
    console.log(
      `ack p${share * 100} under attack: ${median(ratios).toFixed(2)} × calm (${least.toFixed(2)}–${most.toFixed(2)})`,
    );
  }
}
