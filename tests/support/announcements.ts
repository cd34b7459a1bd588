import type { ShownAnnouncement } from '../../src/features/groups/announcements.contract.ts';
import type { TestUser } from './builders.ts';
import type { TestGroup } from './groups.ts';

export const pathOf = ({ id }: TestGroup) => `/api/groups/${id}/announcement`;

/** Tells a group something, by its owner unless said. */
export async function announce(group: TestGroup, content: string, by = group.owner) {
  return (await by.rest('PUT', pathOf(group), { content })).body as unknown as ShownAnnouncement;
}

export async function shownTo(person: TestUser, group: TestGroup): Promise<ShownAnnouncement> {
  return (await person.rest('GET', pathOf(group))).body as unknown as ShownAnnouncement;
}

export const read = (person: TestUser, group: TestGroup, body?: object) =>
  person.rest('POST', `${pathOf(group)}/read`, body);

/** The ids of who has read what the group was told, as its owner lists them. */
export async function readersOf(group: TestGroup, query = ''): Promise<string[]> {
  const { body } = await group.owner.rest('GET', `${pathOf(group)}/readers${query}`);
  return (body.items as { id: string }[]).map(({ id }) => id);
}

export async function historyOf(person: TestUser, group: TestGroup): Promise<ShownAnnouncement[]> {
  return (await person.rest('GET', `${pathOf(group)}s`)).body.items as ShownAnnouncement[];
}
