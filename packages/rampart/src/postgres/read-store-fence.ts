// What stops a process that has lost its lease: each change of a read store looks at the fence in its own
// transaction, and holds the lease's row until it is committed, so that nobody takes it in between.
import type { Client } from 'pg'
import type { Lease } from '../core/leases/index.ts'
import { run, type Statement } from './database.ts'
import { leaseLost } from './lease-store.ts'
import type { Connections } from './read-store-connections.ts'

/** A lease that changes are made under. */
export interface Fence {
  readonly lease: Lease
  /** The name that it has in the database. */
  readonly rowName: string
}

const holdLease: Statement = {
  name: 'hold-lease',
  text: 'SELECT 1 FROM rampart_read.leases WHERE name = $1 AND fence = $2 FOR SHARE',
}

/** The same connections for the holder of a lease. */
export function fenced(store: Connections, fence: Fence | undefined): Connections {
  if (fence === undefined) return store
  return {
    ...store,
    change: (work) =>
      store.change(async (client) => {
        await requireHeld(client, fence)
        return work(client)
      }),
  }
}

/** Throws `LEASE_LOST` when another process has taken the lease. */
export async function requireHeld(client: Client, { lease, rowName }: Fence): Promise<void> {
  const held = await run(client, holdLease, [rowName, lease.fence])
  if (held.length === 0) throw leaseLost(lease)
}
