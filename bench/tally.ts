import type { Seen, Totals } from './load-protocol.ts';
import { percentile } from './statistics.ts';

const mostFaultsTold = 5;

export type Tally = ReturnType<typeof createTally>;

/** Counts messages, collects how long they took while a measurement runs, and keeps what went wrong. */
export function createTally() {
  const totals: Totals = { sent: 0, acked: 0, due: 0, delivered: 0, messageBytes: 0, disordered: 0 };
  const faults = new Map<string, number>();
  let measurement: Measurement | null = null;

  return {
    totals,

    sent(receivers: number): void {
      totals.sent++;
      totals.due += receivers;
    },

    acked(tookMs: number): void {
      totals.acked++;
      measurement?.ackMs.push(tookMs);
    },

    delivered(tookMs: number): void {
      totals.delivered++;
      measurement?.deliveryMs.push(tookMs);
    },

    fault(reason: string): void {
      faults.set(reason, (faults.get(reason) ?? 0) + 1);
    },

    assertNoFaults(): void {
      if (faults.size === 0) return;
      const told = [...faults].slice(0, mostFaultsTold).map(([reason, count]) => `${count} × ${reason}`);
      throw new Error(told.join('; '));
    },

    beginMeasuring(): void {
      measurement = { ackMs: [], deliveryMs: [], beganAt: performance.now(), cpuThen: process.cpuUsage() };
    },

    /** Ends the measurement. Its summary is computed when asked for, when nothing is in a hurry any more. */
    endMeasuring(): { summary(): Seen } {
      if (!measurement) throw new Error('No measurement runs');
      const { ackMs, deliveryMs, beganAt, cpuThen } = measurement;
      const { user, system } = process.cpuUsage(cpuThen);
      const seconds = (performance.now() - beganAt) / 1000;
      measurement = null;
      return {
        summary: () => ({
          seconds,
          acked: ackMs.length,
          busy: (user + system) / 1e6 / seconds,
          ackMs: { p50: percentile(ackMs, 0.5), p99: percentile(ackMs, 0.99) },
          deliveryMs: { p50: percentile(deliveryMs, 0.5), p99: percentile(deliveryMs, 0.99) },
        }),
      };
    },
  };
}

interface Measurement {
  ackMs: number[];
  deliveryMs: number[];
  beganAt: number;
  cpuThen: NodeJS.CpuUsage;
}
