// A server whose disk fails to sync: it never acknowledges what may be lost, stops accepting commands and
// says so, and the truth about what was unknown comes out after a restart.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ask, place, placedOrders, startServer, type Server } from './server.ts'
import { inject, temporaryFolder, tracer } from './tools.ts'

let dataFolder = ''
beforeEach(() => void (dataFolder = temporaryFolder()))
afterEach(() => rmSync(dataFolder, { recursive: true }))

/** Makes every sync of the log fail after so many more of them. */
function failSyncs(server: Server, after: number): Promise<AsyncDisposable> {
  const file = join(dataFolder, 'orders', 'write.sqlite-wal')
  return inject({ pid: server.pid, file, calls: 'fsync,fdatasync', fault: `error=EIO:when=${after + 1}+` })
}

async function codeOf(answer: Promise<{ readonly status: number; readonly body: object }>): Promise<string> {
  const { status, body } = await answer
  return `${status} ${'code' in body ? String(body.code) : ''}`
}

describe.runIf(tracer.isMet)(`when a sync fails${tracer.note}`, () => {
  test('nothing is acknowledged any more, and a restart has all that was', async () => {
    const acknowledged: string[] = []
    const tried: string[] = []
    {
      await using server = await startServer({ dataFolder })
      const { base } = server
      {
        await using _failing = await failSyncs(server, 5)
        const sendUntilRefused = async (sender: number): Promise<string> => {
          for (let count = 0; ; count++) {
            const id = `${sender}-${count}`
            tried.push(id)
            const answer = await codeOf(place(base, id))
            if (answer !== '200 ') return answer
            acknowledged.push(id)
          }
        }
        const ends = await Promise.all(Array.from({ length: 8 }, (_, sender) => sendUntilRefused(sender)))
        expect(ends).toContain('503 OUTCOME_UNKNOWN')
        expect(ends.filter((end) => !/OUTCOME_UNKNOWN|STORE_UNAVAILABLE/.test(end))).toEqual([])
      }
      // The disk is well again, and the store does not trust it.
      expect(await codeOf(place(base, 'later'))).toBe('503 STORE_UNAVAILABLE')
      expect(await codeOf(place(base, 'later', { prefer: 'respond-async' }))).toBe('503 STORE_UNAVAILABLE')
      const { status, body } = await ask(`${base}/readyz`)
      expect([status, body['reason']]).toEqual([503, expect.stringMatching(/stopped accepting writes/)])
      expect((await ask(`${base}/reads/order?limit=1`)).status).toBe(200)
      expect(acknowledged.length).toBeGreaterThan(0)
    }
    await using server = await startServer({ dataFolder })
    const survived = await placedOrders(server.base)
    expect(acknowledged.filter((id) => !survived.includes(id))).toEqual([])
    expect(survived.filter((id) => !tried.includes(id))).toEqual([])
    for (const id of tried) expect((await place(server.base, id)).status).toBe(200)
    expect((await placedOrders(server.base)).toSorted()).toEqual(tried.toSorted())
  })

  // What was written without its sync is found again by a recovery, and dropped by an orderly end.
  test.each([
    ['SIGKILL', ['known', 'unsure'], 2],
    ['SIGTERM', ['known'], 2],
  ] as const)(
    'a retry with the key learns what became of an unknown outcome: %s leaves %j',
    async (signal, left, position) => {
      {
        await using server = await startServer({ dataFolder })
        expect((await place(server.base, 'known')).body['position']).toBe(1)
        {
          await using _failing = await failSyncs(server, 0)
          const { status, headers, body } = await place(server.base, 'unsure')
          expect([status, body['code']]).toEqual([503, 'OUTCOME_UNKNOWN'])
          expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
        }
        await server.end(signal)
      }
      await using server = await startServer({ dataFolder })
      expect(await placedOrders(server.base)).toEqual(left)
      const retried = await place(server.base, 'unsure')
      expect(retried).toMatchObject({ status: 200, body: { streamId: 'unsure', version: 1, position } })
      expect((await place(server.base, 'unsure')).body).toEqual(retried.body)
      expect(await placedOrders(server.base)).toEqual(['known', 'unsure'])
    },
  )
})
