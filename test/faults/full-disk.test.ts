// A server whose disk is full: it says so, answers 503 to commands, goes on reading, and heals by itself.
import { closeSync, mkdirSync, openSync, rmSync, symlinkSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ask, lagsOf, place, placedOrders, startServer, until, untilShown, type Answer } from './server.ts'
import { mountDisk, ownDisk, temporaryFolder } from './tools.ts'

/** Leaves no byte free. */
function fill(folder: string): void {
  const file = openSync(join(folder, 'filler'), 'w')
  try {
    for (let size = 1024 * 1024; size > 0; size = Math.floor(size / 2))
      while (tryToWrite(file, size)) continue
  } finally {
    closeSync(file)
  }
}

function tryToWrite(file: number, size: number): boolean {
  try {
    return writeSync(file, Buffer.alloc(size)) === size
  } catch (error) {
    if (Object(error).code !== 'ENOSPC') throw error
    return false
  }
}

function expectFull({ status, headers, body }: Answer): void {
  expect({ status, code: body['code'], type: headers.get('content-type') }).toEqual({
    status: 503,
    code: 'STORE_FULL',
    type: 'application/problem+json',
  })
  expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
}

test.runIf(ownDisk.isMet)(
  `a full disk refuses commands for a while, and loses or doubles none of them${ownDisk.note}`,
  async () => {
    const disk = mountDisk(8)
    try {
      await using server = await startServer({ dataFolder: disk.path })
      const { base } = server
      const before = Array.from({ length: 20 }, (_, index) => `before-${index}`)
      for (const id of before) expect((await place(base, id)).status).toBe(200)
      await untilShown(base, before.length)
      fill(disk.path)

      const refused = Array.from({ length: 8 }, (_, index) => `refused-${index}`)
      const large = (id: string, prefer: string) => place(base, id, { lines: 200, prefer })
      for (const answer of await Promise.all(refused.map((id) => large(id, 'wait=10')))) expectFull(answer)
      const accepted = Array.from({ length: 8 }, (_, index) => `accepted-${index}`)
      for (const answer of await Promise.all(accepted.map((id) => large(id, 'respond-async'))))
        expectFull(answer)
      const unready = await ask(`${base}/readyz`)
      expect([unready.status, unready.body['reason']]).toEqual([
        503,
        expect.stringMatching(/disk .* is full/),
      ])
      expect(await placedOrders(base)).toEqual(before)
      expect((await ask(`${base}/reads/order/before-0`)).status).toBe(200)
      expect((await ask(`${base}/healthz`)).status).toBe(200)

      disk.resize(64)
      await until(async () => (await ask(`${base}/readyz`)).status === 200)
      for (const id of refused) expect((await large(id, 'wait=10')).status).toBe(200)
      for (const id of accepted) expect((await large(id, 'respond-async')).status).toBe(202)
      const all = [...before, ...refused, ...accepted]
      await until(async () => (await placedOrders(base)).length === all.length)
      expect((await placedOrders(base)).toSorted()).toEqual(all.toSorted())
      await untilShown(base, all.length)
      expect(await server.end('SIGTERM')).toBe(0)
    } finally {
      disk.remove()
    }
  },
)

test.runIf(ownDisk.isMet)(
  `read models whose disk is full wait for room, and commands go on${ownDisk.note}`,
  async () => {
    const disk = mountDisk(1)
    const dataFolder = temporaryFolder()
    try {
      mkdirSync(join(dataFolder, 'orders'))
      symlinkSync(join(disk.path, 'reads.sqlite'), join(dataFolder, 'orders', 'reads.sqlite'))
      await using server = await startServer({ dataFolder })
      const { base } = server
      expect((await place(base, 'first')).status).toBe(200)
      await untilShown(base, 1)
      fill(disk.path)

      let orders = 1
      const placeMore = async (count: number): Promise<void> => {
        for (const end = orders + count; orders < end; orders += 1)
          expect((await place(base, `more-${orders}`, { lines: 20 })).status).toBe(200)
      }
      while (!server.stderr().includes('STORE_FULL')) await placeMore(1)
      await placeMore(10)
      await until(async () => (await lagsOf(base)).some((lagEvents) => lagEvents >= 10))
      expect((await ask(`${base}/readyz`)).status).toBe(200)
      expect((await ask(`${base}/reads/order/first`)).status).toBe(200)

      disk.resize(64)
      await untilShown(base, orders)
    } finally {
      disk.remove()
      rmSync(dataFolder, { recursive: true })
    }
  },
)
