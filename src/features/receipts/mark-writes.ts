import type { InTurn } from '../../core/in-turn.ts';

interface MarkWritesDeps<Move, Answer> {
  /** What names the mark that is moved. */
  keyOf(move: Move): string;
  /** One move in place of two of the same mark. */
  merge(one: Move, other: Move): Move;
  write(move: Move): Promise<Answer>;
  inTurn: InTurn;
}

interface Waiting<Move, Answer> {
  move: Move;
  answer: Promise<Answer> | null;
}

/**
 * Writes marks one after the other: what comes while one is written becomes a single next write, which answers all who
 * wait for it. A client that acknowledges a page message by message costs two writes.
 */
export function createMarkWrites<Move, Answer>(deps: MarkWritesDeps<Move, Answer>) {
  const waiting = new Map<string, Waiting<Move, Answer>>();

  return (move: Move): Promise<Answer> => {
    const key = deps.keyOf(move);
    const found = waiting.get(key);
    if (found?.answer) {
      found.move = deps.merge(found.move, move);
      return found.answer;
    }
    const one: Waiting<Move, Answer> = { move, answer: null };
    waiting.set(key, one);
    const answer = deps.inTurn([key], () => {
      waiting.delete(key);
      return deps.write(one.move);
    });
    one.answer = answer;
    return answer;
  };
}
