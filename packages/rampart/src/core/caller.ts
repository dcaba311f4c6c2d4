// Who asks, as the rules of deciders, projections and apps see it.

/** Someone whose token was checked. */
export interface Caller {
  /** Who it is: claim `sub` of the token. */
  readonly subject: string
  /** Claim `roles` of the token; empty when it has none. */
  readonly roles: readonly string[]
}

/** Which stream a command addresses, for the rule that says who may. */
export interface Addressed {
  /** The stream's id within its decider. */
  readonly id: string
  /** The command's type. */
  readonly type: string
}
