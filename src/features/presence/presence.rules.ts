import type { Privacy } from '../users/users.contract.ts';

/** Whether the viewer may see when the other was here: who hides it does not see it either. */
export function canSeeLastSeen(viewer: Privacy, other: Privacy): boolean {
  return viewer.lastSeen && other.lastSeen;
}
