// `rampart commands list` beside a running server: what waits, what is tried again, and what was given up.
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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

test('lists state, attempt, next attempt and cause, and ends with 1 once one was given up', async () => {
  const environment = { PORT: '0', RAMPART_DATA: data }
  await using host = await startHost({
    mounts: [{ prefix: '', app: counter }],
    environment,
    reportFault() {},
  })
  expect(await list()).toEqual([0, 'No command waits, and none was given up.\n'])
  process.env['COUNTER_DECIDE_FAILS'] = 'the rate is not known'
  try {
    const body = JSON.stringify({ streamId: 'a', data: { by: 1 } })
    const headers = { 'content-type': 'application/json', prefer: 'respond-async' }
    const answer = await fetch(`${host.url}/commands/Count`, { method: 'POST', headers, body })
    expect(answer.status).toBe(202)
    const { commandId } = Object(await answer.json())
    const file = join(data, 'counter', 'write.sqlite')
    const seen = () => inspectCommands({ file, nowMs: systemRuntime.nowMs(), limit: 1 })[0]
    // The second pause is long enough to be looked at.
    await expect.poll(() => seen()?.attempts).toBeGreaterThan(2)
    await expect.poll(() => seen()?.state).toBe('received')
    const line = `^counter  received  Count counter-a  ${commandId}  \\d s ago  attempt \\d  next .*not known`
    expect(await list()).toEqual([0, expect.stringMatching(new RegExp(line))])
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
  expect(await list('--state', 'lost')).toEqual([
    2,
    expect.stringMatching(/Allowed choices are received, running, failed/),
  ])
})
