/** Does work that shares a key one after the other in this process. */
export type InTurn = <T>(keys: readonly string[], work: () => Promise<T>) => Promise<T>;
