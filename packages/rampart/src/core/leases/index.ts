// Leases, for the adapters that keep them and for the work that is done under them.
export { checkLease, checkLeaseMs } from './checked-lease.ts'
export { leaseMsMax } from '../ports/lease-store.ts'
export type { Lease, LeaseHints, LeaseStore } from '../ports/lease-store.ts'
