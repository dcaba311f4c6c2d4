// Seals: what is hashed for them, what stores keep of them, and what they check before.
export { epochsUpTo, leafOf, marksOf, sealDigest, sealRangeOf } from './seal-codec.ts'
export { checkSeals, requireFollowing } from './checked-seals.ts'
export { noDigest, sealEventsMax, sealsMax } from '../ports/seal-store.ts'
export type {
  Damage,
  Damages,
  FailedLook,
  IdSet,
  InspectedEpoch,
  InspectedEvent,
  InspectedState,
  InspectedTag,
  InspectedVersion,
  LogInspection,
  StoreInspection,
} from './inspection.ts'
export type { SealContent, Sha256 } from './seal-codec.ts'
export type { Seal, SealedEvent, SealedOutcome, SealRange, SealStore } from '../ports/seal-store.ts'
