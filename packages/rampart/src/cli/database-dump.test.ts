// A database that PostgreSQL's own tools dump beside its writers and restore elsewhere: it opens, nothing is
// found in it, and clients learn what is lost.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startHost, type RunningHost } from '../host/index.ts'
import { createDatabase, runSql, startPostgres, type PostgresServer } from '../postgres/test/server.ts'
import counter from './test/fixtures/counter/src/app.ts'
import { rampart } from './test/run-rampart.ts'

// The embedded server comes without these tools.
const programs = '/usr/lib/postgresql/15/bin'
const hasTools = existsSync(join(programs, 'pg_dump'))
const note = hasTools ? '' : ` (not run here: it needs ${programs})`
const module = join(import.meta.dirname, 'test/fixtures/counter/src/app.ts')
const guide = join(import.meta.dirname, '../../../../docs/guides/backup.md')

let server: PostgresServer
let folder: string
beforeAll(async () => {
  if (hasTools) server = await startPostgres(['fsync=off'], { programs })
  folder = await mkdtemp(join(tmpdir(), 'rampart-dump-'))
})
afterAll(async () => {
  if (hasTools) await server[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

async function tool(name: string, ...args: readonly string[]): Promise<void> {
  await promisify(execFile)(join(programs, name), [...args])
}

let made = 0
function serve(settings: Readonly<Record<string, string>>): Promise<RunningHost> {
  const own = { PORT: '0', RAMPART_DATA: join(folder, String(++made)), RAMPART_RATE_PER_SECOND: '0' }
  const environment = { ...own, ...settings }
  return startHost({ mounts: [{ prefix: '', app: counter }], environment, reportFault() {} })
}

async function count({ url }: RunningHost, key: string) {
  const headers = { 'content-type': 'application/json', 'idempotency-key': key }
  const body = JSON.stringify({ streamId: 'a', data: { by: 1 } })
  const answer = await fetch(`${url}/commands/Count`, { method: 'POST', headers, body })
  expect(answer.status).toBe(200)
  const { position } = (await answer.json()) as { position: number }
  return { key, position, token: answer.headers.get('consistency-token') ?? '' }
}

async function read({ url }: RunningHost, token: string, seconds = 60): Promise<unknown> {
  const headers = { 'consistency-token': token, prefer: `wait=${seconds}` }
  const answer = await fetch(`${url}/reads/totals/a`, { headers })
  return answer.json()
}

/** What the guide says is typed after a restore by other means. */
async function operatorsStep(): Promise<string> {
  const shown = /psql "\$RAMPART_STORE" -c "(SELECT rampart_write\.begin_epoch.*)"\n/.exec(
    await readFile(guide, 'utf8'),
  )
  return shown?.[1] ?? 'the guide does not say'
}

test.runIf(hasTools)(
  `a database that pg_dump saved and pg_restore put back goes on, and knows what is lost${note}`,
  async () => {
    const url = await createDatabase(server.url('postgres'), 'original')
    const dump = join(folder, 'dump')
    const counted: Awaited<ReturnType<typeof count>>[] = []
    {
      await using host = await serve({ RAMPART_STORE: url })
      for (let number = 0; number < 5; number++) counted.push(await count(host, `before ${number}`))
      const over = new AbortController()
      const flood = (async () => {
        while (!over.signal.aborted) counted.push(await count(host, `beside ${counted.length}`))
      })()
      await tool('pg_dump', '--format=custom', `--file=${dump}`, url)
      over.abort()
      await flood
      for (let number = 0; number < 5; number++) counted.push(await count(host, `after ${number}`))
    }
    const restored = await createDatabase(server.url('postgres'), 'restored')
    await tool('pg_restore', '--exit-on-error', `--dbname=${restored}`, dump)
    const [row] = await runSql(restored, 'SELECT max(position)::int AS head FROM rampart_write.events')
    const head = Number(row?.['head'])
    const verified = await rampart('verify', module, '--store', restored)
    expect([verified.code, verified.stdout]).toEqual([0, expect.stringMatching(/Nothing was found\.\n$/)])
    await runSql(restored, await operatorsStep())
    expect((await rampart('status', '--store', restored)).stdout).toMatch(/ epoch \S+ \(2 in all\)\n/)

    await using writer = await serve({ RAMPART_STORE: restored, RAMPART_ROLES: 'write' })
    const as = (role: string): string => restored.replace('postgres@', `${role}@`)
    const projectors = { RAMPART_ROLES: 'project', RAMPART_PROJECTOR_STORE: as('rampart_projector') }
    await using _projector = await serve(projectors)
    await using reader = await serve({ RAMPART_ROLES: 'serve', RAMPART_READER_STORE: as('rampart_reader') })
    const [kept, lost] = [counted.slice(0, head), counted.slice(head)]
    expect([kept.length, lost.length > 4]).toEqual([head, true])
    for (const { key, position } of [...kept.slice(0, 1), ...kept.slice(-1)])
      expect(await count(writer, key)).toMatchObject({ position })
    for (const { token } of kept) expect(await read(reader, token)).toMatchObject({ data: {} })
    // A process that only serves hears of epochs from those that project.
    for (const { token } of lost)
      await expect.poll(() => read(reader, token, 0)).toMatchObject({ code: 'TOKEN_INVALID' })
    // A command that is lost takes effect when it is sent again.
    const again = await count(writer, lost[0]?.key ?? '')
    expect(again.position).toBe(head + 1)
    expect(await read(reader, again.token)).toMatchObject({ version: head + 1, data: { total: head + 1 } })
    const peek = runSql(as('rampart_reader'), 'SELECT FROM rampart_write.events')
    await expect(peek).rejects.toThrow(/permission denied/)
    expect(await rampart('verify', module, '--store', restored)).toMatchObject({ code: 0 })
  },
)
