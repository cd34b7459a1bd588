import type { Connection } from 'mongoose';
import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import { contracts, type pushEvents } from '../contracts.ts';
import { createBackground } from '../core/background.ts';
import { withinDeadline } from '../core/deadline.ts';
import type { Delivery } from '../core/delivery.ts';
import { bind } from '../core/operation.ts';
import { createRoomWatch } from '../features/groups/room-watch.ts';
import { createSessionWatch } from '../features/sessions/session-watch.ts';
import type { RevocationReason } from '../features/sessions/sessions.contract.ts';
import { createSessionStore } from '../features/sessions/sessions.store.ts';
import { createPhoneNumbers } from '../platform/phone-numbers.ts';
import { createQuotaStore } from '../platform/quotas.store.ts';
import type { SocketRooms } from '../transports/conversation-rooms.ts';
import { createLiveSockets } from '../transports/live-sockets.ts';
import { buildAccounts } from './accounts.ts';
import { buildConversing } from './conversing.ts';
import { buildFiles, buildFileTools } from './files.ts';
import { buildGroupStores } from './group-stores.ts';
import { buildGroups } from './groups.ts';
import { buildPeople } from './people.ts';
import { bindQrCodes, buildCodeTools } from './qr-codes.ts';
import { buildTyping } from './typing.ts';

/** A session that another process ended is noticed within 15 s. */
const watchSessionsEveryMs = 10_000;
/** A group that another process lets somebody into, or out of, is noticed within 15 s. */
const watchRoomsEveryMs = 10_000;
const resumeErasureEveryMs = 60_000;
const resumeGroupsEveryMs = 10_000;
/** Who comes in waits for this after their session was read, and clients do not wait for longer than 10 s. */
const readsGroupsWithinMs = 3000;
const sweepFilesEveryMs = 600_000;

export type Features = ReturnType<typeof buildFeatures>;

interface FeaturesInput {
  config: Config;
  log: Logger;
  delivery: Delivery<typeof pushEvents>;
  rooms: SocketRooms;
  connection: Connection;
  jwtSecret: string;
}

/** The features: each gets its store and what it needs of the others. */
export function buildFeatures({ config, log, delivery, rooms, connection, jwtSecret }: FeaturesInput) {
  const common = {
    config,
    log,
    quotaOf: createQuotaStore(connection),
    phones: createPhoneNumbers(config.phones),
  };
  const liveSockets = createLiveSockets<RevocationReason>({
    onFirstOpened: (userId) => presence.arrived(userId),
    onClosed: (userId, socketId) => typing.socketClosed(userId, socketId),
    onLastClosed: (userId) => presence.left(userId),
  });
  const groupStores = buildGroupStores(connection);
  const codeTools = buildCodeTools({ ...common, connection, jwtSecret, groupStores });
  const people = buildPeople({
    ...common,
    connection,
    delivery,
    ownerOfCode: codeTools.personOf,
    onFriendshipEnded: (pairId) => conversing.recheck(pairId),
  });
  const sessionStore = createSessionStore(connection);
  const { relations, users, presence } = people;
  const countMembers = async (groupId: string) =>
    (await groupStores.groups.findSendRules([groupId])).get(groupId)?.memberCount ?? 0;
  const typing = buildTyping({
    log,
    delivery,
    relations,
    requireMayWrite: (userId, conversation) => conversing.requireMayWrite(userId, conversation),
    countMembers,
  });
  const fileTools = buildFileTools(common, connection);
  const files = buildFiles({
    ...common,
    connection,
    fileTools,
    canSeeMessage: (asked) => conversing.canSeeMessage(asked),
    messageStates: (messageIds) => conversing.messageStates(messageIds),
    issueFileAccess: (actor) => accounts.issueFileAccess(actor),
  });
  const isHeard = (userId: string, originSocketId: string | null) =>
    liveSockets.countOf(userId) > (originSocketId === null ? 0 : 1);
  const conversing = buildConversing({
    config,
    connection,
    log,
    delivery,
    relations,
    users,
    groupStores,
    countMembers,
    attachments: files.attachments,
    onSent: typing.stop,
    isHeard,
    groupsFor: (mine) => groups.groupsFor(mine),
  });
  const groups = buildGroups({
    ...common,
    stores: groupStores,
    delivery,
    rooms,
    people,
    pictures: fileTools.pictures,
    codeTools,
    writeEntry: conversing.writeGroupEntry,
    recheck: conversing.recheck,
    conversationFor: conversing.conversationFor,
    isHeard,
  });
  const accounts = buildAccounts({
    ...common,
    connection,
    jwtSecret,
    people,
    sessionStore,
    pictures: fileTools.pictures,
    closeSockets: liveSockets.end,
    holders: [groups.personalGroups, codeTools.personalData, ...conversing.holders, files.personalFiles],
  });
  const watchSessions = createSessionWatch({
    sessions: sessionStore,
    openSessions: liveSockets.openSessions,
    closeSockets: liveSockets.end,
  });
  const watchRooms = createRoomWatch({
    findUserIds: liveSockets.userIds,
    findMoves: groupStores.memberships.movesSince,
    rooms,
  });
  const background = createBackground(log);

  return {
    liveSockets,
    authenticate: (token: string) => withinDeadline(accounts.authenticate(token)),
    authenticateFileAccess: (token: string) => withinDeadline(accounts.authenticateFileAccess(token)),
    findGroupIds: (userId: string) =>
      withinDeadline(groupStores.memberships.groupIdsOf(userId), readsGroupsWithinMs),
    operations: [
      ...accounts.operations,
      ...people.operations,
      ...conversing.operations,
      ...groups.operations,
      ...bindQrCodes(codeTools, { people, findGroup: groups.findGroup }),
      ...files.operations,
      ...bind('typing', contracts.typing, typing.handlers),
    ],
    findUndelivered: conversing.findUndelivered,
    /** Takes up what goes on by itself, once the database is there. */
    start(): void {
      background.doOnce(presence.keepUp);
      background.repeat(config.presence.renewEveryMs, presence.keepUp);
      background.doOnce(accounts.erasure.resume);
      background.repeat(resumeErasureEveryMs, accounts.erasure.resume);
      background.repeat(watchSessionsEveryMs, watchSessions);
      background.doOnce(groups.resume);
      background.repeat(resumeGroupsEveryMs, groups.resume);
      // the embedded database of this process is open to nobody else
      if (config.mongodbUri !== null) background.repeat(watchRoomsEveryMs, watchRooms);
      for (const work of conversing.begins) background.doOnce(work);
      for (const { everyMs, work } of conversing.repeats) background.repeat(everyMs, work);
      background.repeat(sweepFilesEveryMs, files.attachments.sweep);
    },
    async settle(): Promise<void> {
      background.stop();
      await Promise.all([conversing.settle(), people.settle()]);
    },
    closePresence: presence.close,
  };
}
