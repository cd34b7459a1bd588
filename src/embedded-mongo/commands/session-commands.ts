import { maxMessageSize } from '../wire-protocol.ts';
import type { Command, Reply } from './command.ts';

const version = '7.0.0';

/** A standalone, so that drivers neither retry writes nor begin transactions. */
function describe(): Reply {
  return {
    isWritablePrimary: true,
    ismaster: true,
    helloOk: true,
    maxBsonObjectSize: 16 * 1024 * 1024,
    maxMessageSizeBytes: maxMessageSize,
    maxWriteBatchSize: 100_000,
    localTime: new Date(),
    logicalSessionTimeoutMinutes: 30,
    connectionId: 1,
    minWireVersion: 0,
    maxWireVersion: 21,
    readOnly: false,
  };
}

export const hello: Command = describe;
export const buildInfo: Command = () => ({
  version,
  versionArray: [7, 0, 0, 0],
  bits: 64,
  maxBsonObjectSize: 16 * 1024 * 1024,
});
/** Acknowledged without effect: nothing is kept per session. */
export const acknowledge: Command = () => ({});
