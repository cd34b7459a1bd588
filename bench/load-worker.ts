import { setTimeout as delay } from 'node:timers/promises';
import { type Conversation, connectConversation } from './conversation.ts';
import { startFlow } from './flow.ts';
import type { Flow, LoadCommand, LoadReport, Pair, Room } from './load-protocol.ts';
import { connectRoom } from './room.ts';
import { createTally } from './tally.ts';

/** The process that plays the clients: told what to do over the IPC channel, and telling what it saw. */
const connectAtOnce = 25;
const settleWithinMs = 60_000;
/** Time for a message delivered twice to show up. */
const lingerMs = 500;

const tally = createTally();
const conversations: Conversation[] = [];

process.on('message', (command: LoadCommand) => {
  obey(command).catch((error: unknown) => tell({ is: 'invalid', reason: String(error) }));
});
process.on('disconnect', () => process.exit(1));
process.on('SIGTERM', () => process.exit(0));
tell({ is: 'ready' });

async function obey(command: LoadCommand): Promise<void> {
  if (command.do === 'connect') await connect(command.url, command.pairs);
  else if (command.do === 'gather') await gather(command.url, command.room);
  else if (command.do === 'run') await run(command);
  else await finish();
}

async function connect(url: string, pairs: Pair[]): Promise<void> {
  for (let first = 0; first < pairs.length; first += connectAtOnce) {
    const some = pairs.slice(first, first + connectAtOnce);
    conversations.push(...(await Promise.all(some.map((pair) => connectConversation({ url, pair, tally })))));
  }
  tell({ is: 'connected' });
}

async function gather(url: string, room: Room): Promise<void> {
  conversations.push(...(await connectRoom({ url, room, tally, atOnce: connectAtOnce })));
  tell({ is: 'connected' });
}

async function run({ flow, leadMs, measureMs }: { flow: Flow; leadMs: number; measureMs: number }) {
  const stopFlow = startFlow(flow, conversations);
  await delay(leadMs);
  tell({ is: 'boundary' });
  tally.beginMeasuring();
  await delay(measureMs);
  const measured = tally.endMeasuring();
  tell({ is: 'boundary' });
  stopFlow();
  await settled();
  tell({ is: 'measured', seen: measured.summary() });
}

/** Waits until every message was acknowledged and delivered. Throws for anything that went wrong. */
async function settled(): Promise<void> {
  const deadline = performance.now() + settleWithinMs;
  for (;;) {
    const { sent, acked, due, delivered } = tally.totals;
    tally.assertNoFaults();
    if (sent === acked && due === delivered) return;
    if (performance.now() > deadline) {
      throw new Error(
        `of ${sent} messages ${acked} were acknowledged, and ${delivered} of ${due} deliveries made`,
      );
    }
    await delay(10);
  }
}

async function finish(): Promise<void> {
  await delay(lingerMs);
  await settled();
  for (const conversation of conversations) conversation.close();
  tell({ is: 'finished', totals: tally.totals });
}

function tell(report: LoadReport): void {
  process.send?.(report);
}
