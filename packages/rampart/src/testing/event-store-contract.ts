// The conformance suite of the event store port: its promises ES-1 to ES-14 as rules that any test runner can
// loop over.
import { appendingRules } from './event-store-contract-appending.ts'
import { commandRules } from './event-store-contract-commands.ts'
import { epochRules } from './event-store-contract-epochs.ts'
import { foldingRules } from './event-store-contract-folding.ts'
import { inputRules } from './event-store-contract-input.ts'
import { lifetimeRules } from './event-store-contract-lifetime.ts'
import { matchingRules } from './event-store-contract-matching.ts'
import { readingRules } from './event-store-contract-reading.ts'
import type { WriteRule } from './event-store-contract-steps.ts'

/**
 * The rules that an event store keeps. A rule that `needs` a capability is left out for an adapter that
 * declares it absent, with that word as the reason; every other rule must pass. Power loss is beyond a rule
 * that runs in the same process: an adapter that is `durable` proves it with tests of its own.
 */
export const eventStoreContract: readonly WriteRule[] = [
  ...appendingRules,
  ...matchingRules,
  ...commandRules,
  ...readingRules,
  ...foldingRules,
  ...lifetimeRules,
  ...epochRules,
  ...inputRules,
]
