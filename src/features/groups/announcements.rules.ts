import { requireAdmin, type Scene } from './authority.rules.ts';
import type { Decision } from './groups.rules.ts';

/** The same text within this time is a repeat of a call whose answer was lost. */
const repeatWithinMs = 600_000;

/** `null` for a repeat: what the group was told a moment ago, or nothing in place of nothing. */
export function announced(scene: Scene, announcementId: string, content: string): Decision | null {
  requireAdmin(scene);
  const { group, actorId, now } = scene;
  const { content: before = '', createdAt = now } = group.announcement ?? {};
  const isRecent = now.getTime() - createdAt.getTime() < repeatWithinMs;
  if (content === before && (content === '' || isRecent)) return null;
  return {
    update: { announcement: { id: announcementId, content, authorId: actorId, createdAt: now } },
    change: {
      event: 'group_announcement_updated',
      data: { announcement: content, announcementId, byId: actorId },
    },
  };
}
