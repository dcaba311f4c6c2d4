// What a look at a store tells operators: its logs, the builds of its projections, the commands that wait.

/** What a log holds and what waits for it. */
export interface InspectedLog {
  readonly log: string
  readonly head: number
  /** When the last event was recorded; null when there is none. */
  readonly recordedAtMs: number | null
  /** The epochs of its history, oldest first. */
  readonly epochs: readonly { readonly epoch: string; readonly forkPosition: number }[]
  readonly inbox: {
    readonly commands: number
    readonly oldestAtMs: number | null
    readonly running: number
    readonly failedBefore: number
  }
  readonly deadLetters: number
  /** How far the log is sealed; null when no seal was made yet. */
  readonly sealed: { readonly seals: number; readonly position: number; readonly atMs: number } | null
}

/** A build of a projection. */
export interface InspectedCollection {
  readonly log: string
  readonly name: string
  readonly version: number
  readonly generation: number
  readonly isLive: boolean
  /** Whether its documents commit with the events; it then stands in the write store. */
  readonly isSynchronous: boolean
  /** Whether it was live at some time. */
  readonly isNamed: boolean
  readonly position: number
  readonly quarantinedKeys: number
}

/** A command as operators see it: it waits, is being handled, or was given up. */
export interface InspectedCommand {
  readonly state: 'received' | 'running' | 'failed'
  readonly log: string
  readonly type: string
  readonly decider: string
  readonly streamId: string
  readonly commandId: string
  /** How often it was claimed so far. */
  readonly attempts: number
  /** When it was accepted, or given up. */
  readonly atMs: number
  /** When it is tried again at the earliest; null when it was not tried yet, or is being handled. */
  readonly nextAttemptAtMs: number | null
  /** Why its last attempt failed; null when none did. */
  readonly cause: string | null
}

/** Which commands to list. */
export interface WantedCommands {
  readonly nowMs: number
  /** Those of one state; all unless given. */
  readonly state?: InspectedCommand['state']
  readonly limit: number
}
