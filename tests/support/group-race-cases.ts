import { expect } from 'chai';
import type { Act, Changes, GroupModel, roleOf } from './group-model.ts';

export const names = ['owner', 'anna', 'arno', 'mia', 'max', 'xena', 'yuri', 'watcher'] as const;
export type Name = (typeof names)[number];
const ways = ['open', 'approval', 'closed'] as const;

/** Who, what they do or how people are to join from then on, and to whom. */
type Step =
  | `${Name} ${Exclude<Act['do'], 'update' | 'announce'> | (typeof ways)[number]}`
  | `${Name} ${Act['do']} ${Name}`;

interface Race {
  before?: Step[];
  atOnce: Step[];
  /** The answers that may come of it, each in the order of `atOnce`. */
  answers: string[];
  /** What holds of every end, besides that it is one. */
  ends?: (roles: Record<Name, ReturnType<typeof roleOf>>, group: GroupModel) => void;
}

/** Anna and Arno are admins, Mia and Max members, Xena and Yuri outside. */
export const races: Record<string, Race> = {
  'a promotion against the removal of the same member': {
    atOnce: ['owner promote mia', 'anna kick mia'],
    answers: ['ok not_allowed', 'not_found ok'],
    ends: ({ mia }) => expect(mia).to.be.oneOf(['admin', null]),
  },
  'a transfer against the leaving of who is to own it': {
    atOnce: ['owner transfer mia', 'mia leave'],
    answers: ['ok owner_cannot_leave', 'not_found ok'],
  },
  'two transfers': {
    atOnce: ['owner transfer anna', 'owner transfer mia'],
    answers: ['ok not_allowed', 'not_allowed ok'],
    ends: ({ owner }) => expect(owner).to.equal('admin'),
  },
  'a transfer against the leaving of the old owner': {
    atOnce: ['owner transfer anna', 'owner leave'],
    answers: ['ok ok', 'ok owner_cannot_leave'],
    ends: ({ anna }) => expect(anna).to.equal('owner'),
  },
  'the demotion of two admins against what they do': {
    before: ['anna invite xena', 'arno invite yuri'],
    atOnce: ['owner demote anna', 'anna kick yuri', 'owner demote arno', 'arno kick xena'],
    answers: ['ok ok ok ok', 'ok not_allowed ok ok', 'ok ok ok not_allowed', 'ok not_allowed ok not_allowed'],
    ends: ({ anna, arno }) => expect([anna, arno]).to.deep.equal(['member', 'member']),
  },
  'two admins against the same member': {
    atOnce: ['anna kick mia', 'arno bar mia'],
    answers: ['ok not_found', 'not_found ok'],
  },
  'joining against the end of the group': {
    before: ['owner open'],
    atOnce: ['xena join', 'owner dissolve'],
    answers: ['ok ok', 'not_found ok'],
  },
  'the end of the group against messages, changes and itself': {
    atOnce: ['owner dissolve', 'mia say', 'anna muteAll', 'owner dissolve'],
    answers: [
      'ok not_found not_found not_found',
      'ok ok not_found not_found',
      'ok not_found ok not_found',
      'ok ok ok not_found',
      'ok muted ok not_found',
      'not_found not_found not_found ok',
      'not_found ok not_found ok',
      'not_found not_found ok ok',
      'not_found ok ok ok',
      'not_found muted ok ok',
    ],
    ends: (_, { isDissolved }) => expect(isDissolved).to.equal(true),
  },
  'an invitation against a bar': {
    atOnce: ['anna bar mia', 'arno invite mia'],
    answers: ['ok ok', 'ok not_allowed'],
    ends: ({ mia }, { barredIds }) => expect([mia, barredIds.length]).to.deep.equal([null, 1]),
  },
  'unbarring against coming in': {
    before: ['owner open', 'anna bar mia'],
    atOnce: ['arno unbar mia', 'mia join'],
    answers: ['ok ok', 'ok not_allowed'],
  },
  'acceptance against withdrawal': {
    before: ['owner approval', 'xena join'],
    atOnce: ['anna accept xena', 'xena withdraw'],
    answers: ['ok not_found', 'not_found ok'],
  },
  'acceptance against refusal': {
    before: ['owner approval', 'xena join'],
    atOnce: ['anna accept xena', 'arno reject xena'],
    answers: ['ok not_found', 'not_found ok'],
  },
  'acceptance by two admins': {
    before: ['owner approval', 'xena join'],
    atOnce: ['anna accept xena', 'arno accept xena'],
    answers: ['ok ok'],
    ends: ({ xena }, { memberIds }) => expect([xena, memberIds.length]).to.deep.equal(['member', 7]),
  },
  'asking against being brought in': {
    before: ['owner approval'],
    atOnce: ['xena join', 'anna invite xena', 'mia invite xena'],
    answers: ['ok ok ok', 'pending ok ok', 'ok ok pending', 'pending ok pending'],
    ends: ({ xena }, { askingIds }) => expect([xena, askingIds]).to.deep.equal(['member', []]),
  },
  'joining against the closing of the group': {
    before: ['owner open'],
    atOnce: ['xena join', 'owner closed'],
    answers: ['ok ok', 'not_found ok'],
  },
  'joining twice': {
    before: ['owner open'],
    atOnce: ['xena join', 'xena join'],
    answers: ['ok ok'],
  },
  'leaving twice': {
    atOnce: ['mia leave', 'mia leave'],
    answers: ['ok not_found', 'not_found ok'],
  },
  'removal against leaving': {
    atOnce: ['anna kick mia', 'mia leave'],
    answers: ['ok not_found', 'not_found ok'],
  },
  'removal against coming back': {
    before: ['owner open'],
    atOnce: ['anna kick mia', 'mia join', 'mia say'],
    answers: ['ok ok ok', 'ok ok not_found'],
  },
  'a mute against lifting it': {
    atOnce: ['anna mute mia', 'arno unmute mia', 'mia say'],
    answers: ['ok ok ok', 'ok ok muted'],
  },
  'muting all against lifting it': {
    atOnce: ['anna muteAll', 'arno unmuteAll', 'mia say'],
    answers: ['ok ok ok', 'ok ok muted'],
  },
};

export function toAct(step: Step, idOf: (name: Name) => string): Act {
  const [by, what, on] = step.split(' ') as [Name, Act['do'] | (typeof ways)[number], Name | undefined];
  const joinMode = ways.find((way) => way === what);
  if (joinMode) return { do: 'update', by: idOf(by), changes: { joinMode } satisfies Changes };
  return { do: what, by: idOf(by), ...(on && { on: idOf(on) }) } as Act;
}
