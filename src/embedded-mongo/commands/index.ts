import { isTrue } from '../bson-order.ts';
import { encodeDocument, encodeDouble } from '../bson-writer.ts';
import type { Engine } from '../engine.ts';
import { MongoError, StorageFailure } from '../errors.ts';
import type { Request } from '../wire-protocol.ts';
import { aggregate } from './aggregate.ts';
import { create, drop, dropDatabase, listCollections, listDatabases } from './collection-commands.ts';
import { type Command, checkReadConcern } from './command.ts';
import { findAndModify } from './find-and-modify.ts';
import { createIndexes, dropIndexes, listIndexes } from './index-commands.ts';
import { count, distinct, explain, find, getMore, killCursors } from './read-commands.ts';
import { acknowledge, buildInfo, hello } from './session-commands.ts';
import { insert, remove, update } from './write-commands.ts';

const commands = new Map<string, Command>(
  Object.entries({
    hello,
    isMaster: hello,
    ismaster: hello,
    ping: acknowledge,
    buildInfo,
    buildinfo: buildInfo,
    endSessions: acknowledge,
    insert,
    update,
    delete: remove,
    findAndModify,
    findandmodify: findAndModify,
    find,
    getMore,
    killCursors,
    count,
    distinct,
    aggregate,
    explain,
    create,
    drop,
    dropDatabase,
    listCollections,
    listDatabases,
    createIndexes,
    dropIndexes,
    listIndexes,
  }),
);

/** Runs the command of a request and encodes its reply; failures become `ok: 0` with MongoDB's code. */
export async function runCommand(engine: Engine, request: Request): Promise<Buffer> {
  try {
    const command = commands.get(request.command);
    if (command === undefined)
      throw new MongoError('CommandNotFound', `no such command: '${request.command}'`);
    if (isTrue(request.field('startTransaction')) || request.field('autocommit') !== undefined) {
      throw new MongoError(
        'IllegalOperation',
        'Transaction numbers are only allowed on a replica set member or mongos',
      );
    }
    checkReadConcern(request);
    const reply = await command(engine, request);
    return encodeDocument({ ...reply, ok: encodeDouble(1) });
  } catch (error) {
    if (error instanceof StorageFailure) throw error;
    return encodeFailure(error);
  }
}

/** A fault of this program is answered too: what its command wrote has been undone. */
function encodeFailure(error: unknown): Buffer {
  const failure =
    error instanceof MongoError
      ? error
      : new MongoError('InternalError', error instanceof Error ? error.message : 'unknown failure');
  const { message, code, codeName, fields } = failure;
  return encodeDocument({ ok: encodeDouble(0), errmsg: message, code, codeName, ...fields });
}
