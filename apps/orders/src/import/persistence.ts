// Tries something again while its fault is one that passes, a bounded number of times.
import { sleep, type Runtime } from 'rampart'

/** What one attempt came to: its result, or a fault that may have passed a little later. */
export type Attempt<Result> =
  | { readonly result: Result }
  | {
      readonly passing: string
      /** The least wait that was asked for. */
      readonly waitMs?: number
    }

/** How to try again. */
export interface Patience {
  readonly runtime: Runtime
  /** Waits between attempts; one more attempt than waits is made. */
  readonly waitsMs: readonly number[]
  readonly signal?: AbortSignal
}

/** Some 16 s in all: as long as a server takes to come back. */
export const patientWaitsMs: readonly number[] = [200, 400, 800, 1_600, 3_200, 5_000, 5_000]

/** No server is waited for longer than this, whatever it asks for. */
const waitMsMax = 30_000

/** Attempts until there is a result; throws the fault that did not pass, or the signal's reason. */
export async function persist<Result>(
  what: string,
  attempt: () => Promise<Attempt<Result>>,
  { runtime, waitsMs, signal }: Patience,
): Promise<Result> {
  for (let tries = 1; ; tries += 1) {
    signal?.throwIfAborted()
    const outcome = await attempt()
    if ('result' in outcome) return outcome.result
    const waitMs = waitsMs[tries - 1]
    if (waitMs === undefined)
      throw new Error(`Gave up on ${what} after ${tries} attempts: ${outcome.passing}`)
    // Half of the wait is random, so that many senders do not come back at one moment.
    const spreadMs = (waitMs / 2) * (1 + runtime.random())
    await sleep(runtime, Math.min(Math.max(spreadMs, outcome.waitMs ?? 0), waitMsMax), signal)
  }
}
