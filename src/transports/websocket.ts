import { randomUUID } from 'node:crypto';
import type { Server as HttpServer, IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { AppError } from '../core/errors.ts';
import type { BoundOperation } from '../core/operation.ts';
import { createFrameConnection, type FrameConnection, type FrameConnectionDeps } from './frame-connection.ts';
import { bindFrameOperations, type FindUndelivered, undeliveredOperation } from './frame-operations.ts';
import { createFrameTable } from './frames.ts';
import { endWithProblem } from './problems.ts';
import { closeSlowSockets } from './slow-sockets.ts';
import type { Arrival } from './socket-sessions.ts';

const paths = ['/ws', '/ws/'];
const frameMaxBytes = 64 * 1024;
const beatEveryMs = 25_000;

interface WebSocketDeps extends Pick<FrameConnectionDeps, 'sessions' | 'rooms' | 'encodePush'> {
  httpServer: HttpServer;
  operations: readonly BoundOperation[];
  findUndelivered: FindUndelivered;
  /** Whether an upgrade is somebody else's; what nobody wants is refused. */
  isServedElsewhere(url: string): boolean;
}

export interface FrameServer {
  /** To every socket. */
  push(event: string, data: unknown): void;
  /** Closes every socket and takes no more. */
  close(): Promise<void>;
}

/** Plain WebSocket on `/ws`: every operation by its event name or by what older clients call it, in flat JSON frames. */
export function serveWebSocket({ httpServer, operations, sessions, ...deps }: WebSocketDeps): FrameServer {
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: frameMaxBytes,
    // a client that does not read what it asks for is no longer read itself
    autoPong: false,
  });
  const connections = new Set<FrameConnection>();
  const connectionDeps: FrameConnectionDeps = {
    ...deps,
    sessions,
    rowOf: createFrameTable([...operations, ...bindFrameOperations(sessions)]),
    undelivered: undeliveredOperation(deps.findUndelivered),
    onClosed(connection) {
      connections.delete(connection);
      if (connections.size === 0) onEmpty?.();
    },
  };
  let isClosing = false;
  let onEmpty: (() => void) | null = null;

  httpServer.on('upgrade', (request, socket, head) => {
    if (deps.isServedElsewhere(request.url ?? '')) return;
    socket.on('error', () => {});
    upgrade(request, socket, head).catch((error: unknown) =>
      endWithProblem(socket, sessions.problemOf(error, request, randomUUID())),
    );
  });

  async function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    if (!paths.includes((request.url ?? '').split('?', 1)[0] ?? '')) throw new AppError('not_found');
    await sessions.receive(request);
    const accept = (arrival: Arrival | null) => {
      if (isClosing) throw new AppError('unavailable');
      server.handleUpgrade(request, socket, head, (webSocket) => {
        const connection = createFrameConnection(webSocket, request, connectionDeps);
        connections.add(connection);
        if (arrival) connection.admit(arrival);
      });
    };
    const token = tokenOf(request);
    if (token === undefined) {
      accept(null);
      return;
    }
    const actor = await sessions.authenticate(token);
    sessions.ensureRoomFor(actor);
    await sessions.arrive(actor, accept);
  }

  const beats = setInterval(() => {
    for (const connection of connections) connection.beat();
  }, beatEveryMs).unref();
  const stopWatching = closeSlowSockets({
    sockets: () => connections,
    bufferedBytes: (connection) => connection.bufferedBytes(),
    close: (connection) => connection.terminate(),
  });

  return {
    push(event, data) {
      for (const connection of connections) connection.push(event, data);
    },
    async close() {
      isClosing = true;
      clearInterval(beats);
      stopWatching();
      if (connections.size === 0) return;
      const empty = new Promise<void>((resolve) => {
        onEmpty = resolve;
      });
      for (const connection of connections) connection.close('restart');
      await empty;
    },
  };
}

/** A token by itself too, as clients of the older kind send it. What another scheme brings is for a proxy in front. */
function tokenOf({ headers }: IncomingMessage): string | undefined {
  const header = headers.authorization ?? '';
  return (/^Bearer\s+(.*)$/i.exec(header) ?? /^(\S+)$/.exec(header))?.[1];
}
