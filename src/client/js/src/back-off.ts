/** How long to wait before trying again: full jitter below a bound that doubles from 0.5 to 20 seconds. */

const FIRST_BOUND_MS = 500;
const LAST_BOUND_MS = 20_000;

export class BackOff {
  #failures = 0;

  /** The wait after one more failure, in milliseconds; `chance` is a number from 0 to 1. */
  afterFailure(chance: number): number {
    const bound = Math.min(FIRST_BOUND_MS * 2 ** this.#failures, LAST_BOUND_MS);
    this.#failures = Math.min(this.#failures + 1, 16);
    return chance * bound;
  }

  /** Begins anew after a success. */
  succeeded(): void {
    this.#failures = 0;
  }
}
