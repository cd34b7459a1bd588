import { z } from 'zod';
import { id, timestamp } from '../../core/ids.ts';
import { operation } from '../../core/operation.ts';
import { pageInput, pageOf } from '../../core/page.ts';
import { textContent } from '../messages/messages.contract.ts';
import { user } from '../users/users.contract.ts';
import { memberErrors } from './groups.contract.ts';

/** What a group is told; `content: ""` where the last one was taken away. */
const announcement = z
  .object({
    id: id.nullable().meta({ description: 'null as long as there was none' }),
    content: z.string(),
    authorId: id.nullable(),
    createdAt: timestamp.nullable(),
    readCount: z.int().min(0).meta({ description: 'How many members have read it' }),
    readAt: timestamp.nullable().meta({ description: 'When I have read it' }),
  })
  .meta({ id: 'Announcement' });
export type ShownAnnouncement = z.output<typeof announcement>;

const inGroup = z.strictObject({ groupId: id });
const announcementId = id.optional().meta({ description: 'An earlier one; the one there is unless said' });

export const announcementsContract = {
  get: operation({
    summary: 'The announcement of a group',
    access: 'user',
    input: inGroup,
    output: announcement,
    errors: ['unauthenticated', 'not_found'],
    routes: [{ method: 'GET', path: '/api/groups/:groupId/announcement' }],
    event: 'group_announcement_get',
    flood: 'read',
  }),
  set: operation({
    summary:
      'Tell a group something in place of what it was told last; for admins. An empty one takes that away',
    access: 'user',
    input: inGroup.extend({ content: textContent.or(z.literal('')) }),
    output: announcement,
    errors: memberErrors,
    routes: [{ method: 'PUT', path: '/api/groups/:groupId/announcement' }],
    event: 'group_announcement_set',
    flood: 'change',
  }),
  read: operation({
    summary: 'Say that I have read the announcement of a group',
    access: 'user',
    input: inGroup.extend({ announcementId }),
    output: null,
    errors: ['unauthenticated', 'not_found'],
    routes: [{ method: 'POST', path: '/api/groups/:groupId/announcement/read' }],
    event: 'group_announcement_read',
    flood: 'change',
  }),
  listReaders: operation({
    summary: 'Which members have read the announcement, the latest first; for admins',
    access: 'user',
    input: inGroup.extend({ announcementId, ...pageInput }),
    output: pageOf(user),
    errors: memberErrors,
    routes: [{ method: 'GET', path: '/api/groups/:groupId/announcement/readers' }],
    event: 'group_announcement_reader_list',
    flood: 'read',
  }),
  list: operation({
    summary: 'All announcements of a group, the latest first',
    access: 'user',
    input: inGroup.extend(pageInput),
    output: pageOf(announcement),
    errors: ['unauthenticated', 'not_found'],
    routes: [{ method: 'GET', path: '/api/groups/:groupId/announcements' }],
    event: 'group_announcement_list',
    flood: 'read',
  }),
};
