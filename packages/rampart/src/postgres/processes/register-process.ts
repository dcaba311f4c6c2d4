// Says in the database that a process runs, as long as it does: for operators, and for whoever must find it.
//
// Nothing of the platform depends on these rows. A process that cannot write its own goes on without it, and
// one that stands still or was killed shows by a sign of life that grows old.
import { hostname } from 'node:os'
import type { Client } from 'pg'
import type { Runtime, Timer } from '../../core/index.ts'
import { accessOf, type DatabaseRole } from '../access.ts'
import { readSql, run, storeFault, type Statement } from '../database.ts'
import { connectPrepared, hostSchema } from '../migrations.ts'
import { isReading, openTablesOf } from '../open-tables.ts'
import { textAt } from '../rows.ts'

/** A process that says that it runs. */
export interface ProcessRegister {
  /** The addresses of an app in other processes that keep its read models up to date. */
  readonly elsewhere: (app: string) => Promise<readonly string[]>
  /** Takes the rows of the process away; takes a few seconds at most. */
  readonly close: () => Promise<void>
}

/** What is said of a process. */
export interface RegisteredProcess {
  /** Unique among processes. */
  readonly id: string
  /** Its parts: `write`, `project`, `serve` … */
  readonly roles: readonly string[]
  /** The apps that it has open; the URL of each has its prefix, and is null where nothing listens. */
  readonly apps: readonly { readonly app: string; readonly url: string | null }[]
}

/** How to register a process. */
export interface RegisterOptions extends RegisteredProcess {
  /** The URL of a part that may say so: of the one that projects, where there is one. */
  readonly url: string
  readonly role: DatabaseRole
  readonly runtime: Runtime
  /** Hears once why the process cannot be registered. */
  readonly reportFault: (fault: unknown, what: string) => void
}

const everyMs = 2000

interface Registering extends RegisterOptions {
  client: Client | undefined
  /** Whether a fault was reported since the last success. */
  isReported: boolean
  isWalled: boolean
  turn: Promise<void>
  timer: Timer | undefined
}

/** Registers a process, and again every two seconds until it is closed. */
export function registerProcess(options: RegisterOptions): ProcessRegister {
  const state: Registering = {
    ...options,
    client: undefined,
    isReported: false,
    isWalled: true,
    turn: Promise.resolve(),
    timer: undefined,
  }
  let isClosed = false
  const beat = async (): Promise<void> => {
    await keep(state)
    if (!isClosed) state.timer = options.runtime.setTimer(everyMs, begin, { keepAlive: false })
  }
  const begin = (): void => void (state.turn = state.turn.then(beat))
  begin()
  return {
    elsewhere(app) {
      const looked = state.turn.then(() => findProjectors(state, app))
      state.turn = looked.then(
        () => undefined,
        () => undefined,
      )
      return looked
    },
    async close() {
      isClosed = true
      state.timer?.cancel()
      await state.turn
      await remove(state)
    },
  }
}

const keepProcess: Statement = { name: 'keep-process', text: readSql('keep-process') }
const removeProcess: Statement = {
  name: 'remove-process',
  text: 'DELETE FROM rampart_host.processes WHERE id = $1',
}

async function keep(state: Registering): Promise<void> {
  const { id, roles, apps } = state
  try {
    state.client ??= await connect(state)
    const names = apps.map(({ app }) => app)
    const urls = apps.map(({ url }) => url)
    const values = [id, roles, process.pid, hostname(), state.isWalled, names, urls]
    await run(state.client, keepProcess, values)
    state.isReported = false
  } catch (fault) {
    await disconnect(state)
    if (!state.isReported) state.reportFault(fault, 'the register of processes')
    state.isReported = true
  }
}

const listProjectors: Statement = {
  name: 'list-projectors',
  text: `SELECT url FROM rampart_host.processes
    WHERE app = $1 AND id <> $2 AND 'project' = ANY(roles) AND url IS NOT NULL
      AND seen > clock_timestamp() - interval '6 seconds'
    ORDER BY since, id`,
}

async function findProjectors(state: Registering, app: string): Promise<readonly string[]> {
  try {
    state.client ??= await connect(state)
    const rows = await run(state.client, listProjectors, [app, state.id])
    return rows.map((row) => textAt(row, 0))
  } catch (fault) {
    await disconnect(state)
    throw storeFault(fault, state.url)
  }
}

async function connect(state: Registering): Promise<Client> {
  const { client } = await connectPrepared(accessOf(state), { schemas: [hostSchema], role: state.role })
  // Who logs in tells what a process could do, whatever role its connections take.
  const login = { login: null, projects: state.roles.includes('project') }
  const { reads, changes } = await openTablesOf((...asked) => run(client, ...asked), login)
  state.isWalled = !isReading(state.roles) || reads.length + changes.length === 0
  return client
}

async function remove(state: Registering): Promise<void> {
  try {
    if (state.client !== undefined) await run(state.client, removeProcess, [state.id])
  } catch {
    // Its sign of life grows old instead.
  } finally {
    await disconnect(state)
  }
}

async function disconnect(state: Registering): Promise<void> {
  const { client } = state
  state.client = undefined
  await client?.end().catch(() => undefined)
}
