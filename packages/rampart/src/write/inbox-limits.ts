// The bounds within which accepted commands are handled.

/** Bounds of the inbox worker. Times in milliseconds. */
export interface InboxLimits {
  /** How many commands are in hand at once. */
  readonly inHand: number
  /** How many bytes of data they may have together; one command is always taken. */
  readonly inHandBytes: number
  /**
   * Attempts after which a command that fails is given up. One with more was lost with its process each time,
   * and is handled alone from then on.
   */
  readonly attemptsMax: number
  /** Attempts after which a command is given up, because handling it ends the process. */
  readonly claimsMax: number
  readonly leaseMs: number
  readonly retryFirstMs: number
  readonly retryMaxMs: number
  /** How long to wait for a hint before looking again. */
  readonly pollMs: number
}

/** 512 commands of 4 MiB in hand, 5 attempts, retries after 0.2 s doubling up to 10 s. */
export const defaultInboxLimits: InboxLimits = {
  inHand: 512,
  inHandBytes: 4 * 1024 * 1024,
  attemptsMax: 5,
  claimsMax: 25,
  leaseMs: 30_000,
  retryFirstMs: 200,
  retryMaxMs: 10_000,
  pollMs: 1000,
}
