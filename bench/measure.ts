import type { Load } from './load.ts';
import type { Flow } from './load-protocol.ts';
import type { Figures } from './report.ts';
import type { CpuSample, RunningServer } from './servers.ts';

/** Lets messages flow through a server for a while, and answers what it cost. */
export async function measure(
  { server, load }: { server: RunningServer; load: Load },
  flow: Flow,
  { leadMs, measureMs }: { leadMs: number; measureMs: number },
): Promise<Figures> {
  const samples: CpuSample[] = [];
  const onBoundary = async () => {
    samples.push(await server.sampleCpu());
  };
  const seen = await load.run({ flow, leadMs, measureMs, onBoundary });
  const [from, to] = samples;
  if (!from || !to) throw new Error('The server was not looked at');
  // each side by its own clock, so that the moment a busy server answers does not matter
  const busy = (to.cpuMicros - from.cpuMicros) / 1000 / (to.atMs - from.atMs);
  const messagesPerSecond = seen.acked / seen.seconds;
  return {
    messagesPerSecond,
    cpuMicrosPerMessage: (busy * 1e6) / messagesPerSecond,
    busy,
    loadBusy: seen.busy,
    ackP50Ms: seen.ackMs.p50,
    ackP99Ms: seen.ackMs.p99,
    deliveryP50Ms: seen.deliveryMs.p50,
    deliveryP99Ms: seen.deliveryMs.p99,
  };
}
