// Checks of leases before they are asked for.
import { leaseMsMax, type LeaseRequest } from '../ports/lease-store.ts'
import { checkName, invalid } from '../checks/checked-values.ts'

const leaseNameLengthMax = 1024

/** Throws `INPUT_INVALID` for a request that no store can take. */
export function checkLease({ name, holder, leaseMs }: LeaseRequest): void {
  checkName('lease', name, leaseNameLengthMax)
  checkName('holder of a lease', holder)
  checkLeaseMs(leaseMs)
}

/** Throws `INPUT_INVALID` for a time that no lease has. */
export function checkLeaseMs(leaseMs: number): void {
  if (Number.isSafeInteger(leaseMs) && leaseMs >= 1 && leaseMs <= leaseMsMax) return
  throw invalid(`A lease cannot last ${leaseMs} ms. Use a whole number from 1 to ${leaseMsMax}.`)
}
