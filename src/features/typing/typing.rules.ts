export const typingLimits = {
  /** Typing ends by itself unless it is renewed. */
  endsAfterMs: 6000,
  /** `true` is passed on no more often than that. */
  passedOnEveryMs: 3000,
  /** More than a person can type in at once. */
  conversationsAtOnce: 20,
  /** In a larger group nothing is passed on. */
  mostMembers: 200,
} as const;

/** What is known of one person in one conversation; all times are milliseconds of one clock. */
export interface TypingState {
  typesUntil: number;
  /** Whether the others have been told that the person types. */
  isShown: boolean;
  shownAt: number;
}

export const notTyping: TypingState = {
  typesUntil: Number.NEGATIVE_INFINITY,
  isShown: false,
  shownAt: Number.NEGATIVE_INFINITY,
};

/** A state, and what the others are to hear: `null` for nothing. */
export interface Step {
  state: TypingState;
  told: boolean | null;
}

const canShowAt = ({ shownAt }: TypingState): number => shownAt + typingLimits.passedOnEveryMs;

/** After the person has said that they type, or no longer. */
export function afterSaying(before: TypingState, isTyping: boolean, now: number): Step {
  if (!isTyping) return afterTime({ ...before, typesUntil: Number.NEGATIVE_INFINITY }, now);
  const state = { ...before, typesUntil: now + typingLimits.endsAfterMs };
  return now >= canShowAt(state) ? shown(state, now) : { state, told: null };
}

/** After time has passed: typing may be over, or what was held back may be due. */
export function afterTime(state: TypingState, now: number): Step {
  const isTyping = now < state.typesUntil;
  if (!isTyping && state.isShown) return { state: { ...state, isShown: false }, told: false };
  if (isTyping && !state.isShown && now >= canShowAt(state)) return shown(state, now);
  return { state, told: null };
}

/** When time alone will change something; `null` if there is nothing left to remember. */
export function nextChangeAt(state: TypingState, now: number): number | null {
  if (state.isShown) return state.typesUntil;
  if (now < state.typesUntil) return Math.min(state.typesUntil, canShowAt(state));
  return now < canShowAt(state) ? canShowAt(state) : null;
}

function shown(state: TypingState, now: number): Step {
  return { state: { ...state, isShown: true, shownAt: now }, told: true };
}
