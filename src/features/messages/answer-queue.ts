const mostPerTurn = 32;

/**
 * Gives answers in their order, some in each turn of the event loop: acknowledging and delivering a large batch takes
 * longer than a look at the socket of the database, so the next batch is on its way meanwhile.
 */
export function createAnswerQueue() {
  let waiting: (() => void)[] = [];

  function giveSome(): void {
    const given = waiting.slice(0, mostPerTurn);
    waiting = waiting.slice(mostPerTurn);
    for (const answer of given) answer();
    if (waiting.length > 0) setImmediate(giveSome);
  }

  return {
    push(answer: () => void): void {
      waiting.push(answer);
      if (waiting.length === 1) queueMicrotask(giveSome);
    },
  };
}
