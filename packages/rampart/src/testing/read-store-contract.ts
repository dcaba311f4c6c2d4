// The conformance suite of the read store port: its promises RS-1 to RS-18 as rules that any test runner can
// loop over.
import { committingRules } from './read-store-contract-committing.ts'
import { findingRules } from './read-store-contract-finding.ts'
import { generationRules } from './read-store-contract-generations.ts'
import { keepingRules } from './read-store-contract-keeping.ts'
import { listingRules } from './read-store-contract-listing.ts'
import { quarantineRules } from './read-store-contract-quarantine.ts'
import { sharingRules } from './read-store-contract-sharing.ts'
import type { ReadStoreRule } from './read-store-contract-steps.ts'

/**
 * The rules that a read store keeps. A rule that `needs` a capability is left out for an adapter that lacks
 * it, with that word as the reason; every other rule must pass.
 */
export const readStoreContract: readonly ReadStoreRule[] = [
  ...committingRules,
  ...listingRules,
  ...findingRules,
  ...keepingRules,
  ...quarantineRules,
  ...generationRules,
  ...sharingRules,
]
