// The lease port over PostgreSQL: a row per lease beside what it protects. All time is the server's.
import { hostname } from 'node:os'
import { RampartError } from '../core/index.ts'
import {
  checkLease,
  checkLeaseMs,
  type Lease,
  type LeaseHints,
  type LeaseStore,
} from '../core/leases/index.ts'
import { readSql, type RunQuery, type Statement } from './database.ts'
import { numberAt, textAt } from './rows.ts'

/** What leases stand on. */
export interface LeaseStoreOptions {
  readonly query: RunQuery
  readonly schema: 'rampart_read' | 'rampart_write'
  /** Begins the names of all leases, so that several apps can share a database. */
  readonly namespace: string | undefined
  /** Words between processes, as they are told in the database. */
  readonly hints?: LeaseHints
}

/** The leases in one schema. */
export function createLeaseStore({ query, schema, namespace, hints }: LeaseStoreOptions): LeaseStore {
  const { take, renew, giveBack, list } = statementsOf(schema)
  const prefix = leasePrefix(namespace)
  return {
    async take(request) {
      checkLease(request)
      const { name, holder, leaseMs } = request
      const [row] = await query(take, [`${prefix}${name}`, here(holder), leaseMs])
      return row === undefined ? undefined : { name, holder, fence: numberAt(row, 0) }
    },
    async renew({ name, holder, fence }, leaseMs) {
      checkLeaseMs(leaseMs)
      return (await query(renew, [`${prefix}${name}`, here(holder), fence, leaseMs])).length === 1
    },
    async giveBack({ name, holder, fence }) {
      await query(giveBack, [`${prefix}${name}`, here(holder), fence])
      hints?.tell(`${prefix}${name}`)
    },
    ...(hints === undefined ? {} : { hints: within(prefix, hints) }),
    list: async () =>
      (await query(list, [prefix])).map((row) => ({
        name: textAt(row, 0),
        holder: row[1] === null ? null : holderIn(textAt(row, 1)),
        fence: numberAt(row, 2),
        leftMs: numberAt(row, 3),
      })),
  }
}

// Who looks at the rows finds the process of a holder by the name that it has there.
function here(holder: string): string {
  return `${hostname()}/${process.pid}/${holder}`
}

function holderIn(text: string): string {
  return text.split('/').slice(2).join('/')
}

function within(prefix: string, hints: LeaseHints): LeaseHints {
  return {
    tell: (word) => hints.tell(`${prefix}${word}`),
    listen: (word, callback) => hints.listen(`${prefix}${word}`, callback),
  }
}

/** Begins the names of the leases of an app. */
export function leasePrefix(namespace: string | undefined): string {
  return namespace === undefined ? '' : `${namespace}:`
}

/** The fault of a change that came too late. */
export function leaseLost({ name, fence }: Lease): RampartError {
  const message =
    `Another process has taken ${name} over since it was taken with fence ${fence}. ` +
    'Nothing was changed; wait for the lease before going on.'
  return new RampartError('LEASE_LOST', message)
}

type LeaseStatements = Readonly<Record<'take' | 'renew' | 'giveBack' | 'list', Statement>>

function statementsOf(schema: LeaseStoreOptions['schema']): LeaseStatements {
  const leases = `${schema}.leases`
  const own = 'name = $1 AND holder = $2 AND fence = $3'
  return {
    take: { name: `take-lease-${schema}`, text: readSql('take-lease').replaceAll('{leases}', leases) },
    renew: {
      name: `renew-lease-${schema}`,
      text: `UPDATE ${leases} SET until = clock_timestamp() + $4 * interval '1 ms' WHERE ${own} RETURNING 1`,
    },
    giveBack: {
      name: `give-lease-back-${schema}`,
      text: `UPDATE ${leases} SET holder = NULL, until = clock_timestamp() WHERE ${own}`,
    },
    list: {
      name: `list-leases-${schema}`,
      text: `SELECT substr(name, length($1) + 1), holder, fence,
          greatest(0, extract(epoch FROM until - clock_timestamp()) * 1000)::bigint
        FROM ${leases} WHERE starts_with(name, $1) ORDER BY name`,
    },
  }
}
