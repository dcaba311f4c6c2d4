// What stands downstream of a log uses: the one loop, and how to wait out faults that pass.
export { createBackOff, isPassing } from './back-off.ts'
export { createBell } from './bell.ts'
export { workUnderLease } from './leased-work.ts'
export { shareWork } from './work-share.ts'
export { createSubscription } from './subscription.ts'
export type { WorkShare } from './work-share.ts'
export type { Batch, Subscription, SubscriptionEnd, SubscriptionOptions } from './subscription.ts'
