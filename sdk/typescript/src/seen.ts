/**
 * Remembers the receipts that were accepted, so that each is accepted once. Processes that run the same skill must
 * share one. A table whose primary key is the id will do: insert, and see whether a row came in.
 */
export interface SeenStore {
  /**
   * Notes the id at least until that time, and says whether it was new. Of several calls at once with the same id
   * exactly one may return `true`. If it throws, the receipt is refused.
   */
  add(id: string, until: Date): boolean | Promise<boolean>;
}

/** How many receipts a {@link MemorySeen} holds at once: with a usual life of two minutes some 600 in a second. */
const maxSeen = 100_000;
/** How often what is past is thrown away, in milliseconds. */
const sweepEveryMs = 10_000;

/**
 * A {@link SeenStore} for a skill that runs in one process. It forgets with the process: a receipt that was accepted
 * just before a restart would be accepted again until it expires. When it is full it refuses, because throwing one out
 * would let it be used twice.
 */
export class MemorySeen implements SeenStore {
  readonly #until = new Map<string, number>();
  #latest = 0;
  #sweep = 0;

  /** A receipt whose time is past counts as seen: it may have been, and be forgotten. */
  add(id: string, until: Date): boolean {
    // A clock that is set back must not bring to life what was forgotten.
    this.#latest = Math.max(this.#latest, Date.now());
    if (this.#sweep <= this.#latest) {
      this.#sweep = this.#latest + sweepEveryMs;
      for (const [seen, end] of this.#until) if (end <= this.#latest) this.#until.delete(seen);
    }
    const end = until.getTime();
    if (this.#until.has(id) || !(end > this.#latest)) return false;
    if (this.#until.size >= maxSeen) throw new Error("too many receipts at once");
    this.#until.set(id, end);
    return true;
  }
}
