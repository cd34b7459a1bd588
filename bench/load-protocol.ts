export interface Person {
  userId: string;
  token: string;
}

/** Two friends; the first one writes, the second one reads. */
export interface Pair {
  sender: Person;
  receiver: Person;
}

/** How messages come: a closed loop per sender, or an open one for all. */
export type Flow = { kind: 'saturation'; window: number } | { kind: 'steady'; ratePerSecond: number };

export type LoadCommand =
  | { do: 'connect'; url: string; pairs: Pair[] }
  | { do: 'run'; flow: Flow; leadMs: number; measureMs: number }
  | { do: 'finish' };

/** What the load saw of one measurement; times in milliseconds. */
export interface Seen {
  seconds: number;
  acked: number;
  /** Share of a core that the load itself used, 0 to 1: where it is full, the server could have done more. */
  busy: number;
  ackMs: { p50: number; p99: number };
  deliveryMs: { p50: number; p99: number };
}

export interface Totals {
  sent: number;
  acked: number;
  delivered: number;
  /** Delivered before an earlier one of the same sender. */
  disordered: number;
}

export type LoadReport =
  | { is: 'ready' }
  | { is: 'connected' }
  /** The measurement begins, or ends: the moment to look at the server. */
  | { is: 'boundary' }
  | { is: 'measured'; seen: Seen }
  | { is: 'finished'; totals: Totals }
  /** Something was lost, doubled, out of order or refused: no figure of this run counts. */
  | { is: 'invalid'; reason: string };
