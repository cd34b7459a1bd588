export interface Person {
  userId: string;
  token: string;
}

/** Two friends; the first one writes, the second one reads. */
export interface Pair {
  sender: Person;
  receiver: Person;
}

/** A group: its members write in turn, and all the others read. */
export interface Room {
  groupId: string;
  members: Person[];
}

/** How messages come: a closed loop per sender, or an open one for all. */
export type Flow = { kind: 'saturation'; window: number } | { kind: 'steady'; ratePerSecond: number };

export type LoadCommand =
  | { do: 'connect'; url: string; pairs: Pair[] }
  | { do: 'gather'; url: string; room: Room }
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
  /** Deliveries of what was sent: one each, or as many as others are in the room. */
  due: number;
  delivered: number;
  /** Bytes of the last message that was delivered, as JSON; 0 where nobody looked. */
  messageBytes: number;
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
