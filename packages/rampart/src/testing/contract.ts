// What a conformance suite consists of: rules as data, tied to no test runner, over a harness that opens
// the adapter.

/** One rule of a suite; its name begins with the id of the promise that it proves: `ES-3 a stale …`. */
export interface ContractRule<Harness> {
  readonly name: string
  /**
   * The capability without which an adapter cannot keep this rule; it is then left out with this word as
   * the reason.
   */
  readonly needs?: string
  /** Resolves when the promise is kept, and rejects with what was seen instead. */
  readonly check: (harness: Harness) => Promise<void>
}
