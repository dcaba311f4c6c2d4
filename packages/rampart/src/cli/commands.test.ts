// `rampart commands list` beside a running server: what waits, what is tried again, and what was given up.
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, expect, test } from 'vitest'
import { systemRuntime } from '../core/index.ts'
import { startHost } from '../host/index.ts'
import { inspectCommands } from '../sqlite/index.ts'
import counter from './test/fixtures/counter/src/app.ts'

const bin = join(import.meta.dirname, '../../bin/rampart.js')
const data = await mkdtemp(join(tmpdir(), 'rampart-commands-'))
afterAll(() => rm(data, { recursive: true, force: true }))

async function list(...args: readonly string[]): Promise<readonly [number, string]> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [bin, 'commands', 'list', '--data', data, ...args],
      (fault, stdout, stderr) => {
        resolve([Number(fault?.code ?? 0), stdout + stderr])
      },
    )
  })
}

async function serve() {
  const mounts = [{ prefix: '', app: counter }]
  return startHost({ mounts, environment: { PORT: '0', RAMPART_DATA: data }, reportFault() {} })
}

test('lists state, attempts and cause, and ends with 1 once one was given up', async () => {
  const file = join(data, 'counter', 'write.sqlite')
  const seen = () => inspectCommands({ file, nowMs: systemRuntime.nowMs(), limit: 1 })[0]
  process.env['COUNTER_DECIDE_FAILS'] = 'the rate is not known'
  try {
    const first = await serve()
    expect(await list()).toEqual([0, 'No command waits, and none was given up.\n'])
    const body = JSON.stringify({ streamId: 'a', data: { by: 1 } })
    const headers = { 'content-type': 'application/json', prefer: 'respond-async' }
    const answer = await fetch(`${first.url}/commands/Count`, { method: 'POST', headers, body })
    expect(answer.status).toBe(202)
    const { commandId } = Object(await answer.json())
    await expect.poll(() => seen()?.cause).toMatch(/not known/)
    // Nothing is tried while no server runs, so that there is time to look.
    await first.drain()
    const start = `^counter  received  Count counter-a  ${commandId}`
    const line = `${start}  .* ago  attempt \\d  next .*is not known\\n$`
    expect(await list()).toEqual([0, expect.stringMatching(new RegExp(line))])
    expect(await list('--state', 'running')).toEqual([0, 'No command is running.\n'])
    await using _second = await serve()
    await expect.poll(() => seen()?.state).toBe('failed')
    const [code, json] = await list('--json')
    expect([code, JSON.parse(json)]).toMatchObject([
      1,
      {
        commands: [
          {
            app: 'counter',
            state: 'failed',
            log: 'default/counter/0',
            commandId,
            attempts: 5,
            nextAttemptAt: null,
            cause: expect.stringMatching(/rate is not known/),
          },
        ],
      },
    ])
  } finally {
    delete process.env['COUNTER_DECIDE_FAILS']
  }
  expect(await list('--help')).toEqual([0, expect.stringMatching(/ends\s+with\s+1\s+when\s+some\s+were/)])
  const choices = /Allowed choices are received, running, failed/
  expect(await list('--state', 'lost')).toEqual([2, expect.stringMatching(choices)])
})

test('a file without tables, and one of something else, are told from a store', async () => {
  const broken = join(data, 'broken')
  const file = join(broken, 'inn', 'write.sqlite')
  await mkdir(join(broken, 'inn'), { recursive: true })
  await writeFile(file, '')
  const none = /write\.sqlite has no tables yet\. Start its server once, or restore a backup\.\n$/
  expect(await list('--data', broken)).toEqual([1, expect.stringMatching(none)])
  const foreign = new DatabaseSync(file)
  foreign.exec('CREATE TABLE guests (name text)')
  foreign.close()
  const other = /write\.sqlite holds something else than this kind of store\. Name another file\.\n$/
  expect(await list('--data', broken)).toEqual([1, expect.stringMatching(other)])
})
