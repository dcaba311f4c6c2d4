// Builds beside the live documents: readers see no error and nothing that goes back, and a way back is kept.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { systemRuntime, type Projection } from '../core/index.ts'
import type { EventStore, LogPlace, ReadStore } from '../core/ports/index.ts'
import { failingOnEve, losingWordOfSwitches, openWorld, settled, watch } from './test/served.ts'
import { append, customers, make, orders } from './test/shop.ts'

const folder = mkdtempSync(join(tmpdir(), 'rampart-rebuild-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const now = { waitMs: 0 }

test.each(['worker', 'caller'] as const)(
  'readers see no error and nothing going back while it is rebuilt under writes (%s, AK20)',
  async (thread) => {
    await using world = await openWorld(
      thread,
      thread === 'caller' ? ':memory:' : join(folder, 'live.sqlite'),
    )
    const { log } = world
    for (let n = 0; n < 600; n++) await append(log, make.noted(`${n % 20}`), make.placed(`${n % 20}`))
    await using served = await world.serve(orders)
    const token = new Map([[log.log, await log.head()]])
    await served.model.get('1', { token, waitMs: 10_000 })
    const progress = { isOver: false }
    const reading = watch(served, '1', () => progress.isOver)
    const writing = (async () => {
      while (!progress.isOver) {
        await append(log, make.placed('1'))
        await new Promise<void>((resolve) => systemRuntime.soon(resolve))
      }
    })()
    try {
      await served.rebuild.act('start')
      await expect(served.rebuild.act('start')).rejects.toMatchObject({ code: 'INPUT_INVALID' })
      const status = await settled(served)
      expect(status).toMatchObject({
        live: { version: 1, generation: 2 },
        kept: [{ version: 1, generation: 1 }],
        build: { comparison: { isSame: true, differing: 0, documents: [20, 20] } },
      })
      // The same content under the same name: entity tags and places in streams stay good.
      expect(served.model.tag()).toBe('1')
      await served.rebuild.act('back')
      await settled(served)
      expect((await served.rebuild.status()).live.generation).toBe(1)
    } finally {
      progress.isOver = true
      await writing
    }
    expect(await reading).toBeGreaterThan(10)
    const head = await log.head()
    const { document } = await served.model.get('1', { token: new Map([[log.log, head]]), waitMs: 10_000 })
    expect(document?.position).toBe(head.position)
    expect(served.faults).toEqual([])
  },
)

test('two starts at once are one build, and the second is told so', async () => {
  await using world = await openWorld('caller', ':memory:')
  for (let n = 0; n < 100; n++) await append(world.log, make.placed(`${n % 10}`))
  await using served = await world.serve(orders)
  const twice = async () => {
    const asked = await Promise.allSettled([served.rebuild.act('start'), served.rebuild.act('start')])
    const [refused, ...others] = asked.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []))
    expect(refused).toMatchObject({ code: 'INPUT_INVALID', message: expect.stringMatching(/built already/) })
    expect(others).toEqual([])
    return settled(served)
  }
  expect(await twice()).toMatchObject({ live: { generation: 2 }, kept: [{ generation: 1 }] })
  expect(await twice()).toMatchObject({ live: { generation: 3 }, kept: [{ generation: 2 }] })
  expect(served.faults).toEqual([])
})

test('what is being begun when the projection ends is ended with it', async () => {
  await using world = await openWorld('caller', ':memory:')
  await append(world.log, make.placed('1'))
  const served = await world.serve(orders)
  const begun = served.rebuild.act('start').catch((fault: unknown) => fault)
  expect(served.rebuild.isBuilding()).toBe(true)
  await served.runner.stop()
  await begun
  expect(served.rebuild.isBuilding()).toBe(false)
  await expect(served.rebuild.act('start')).rejects.toMatchObject({ code: 'SHUTTING_DOWN' })
})

/** A log of which whoever begins at its start sees no more than up to a place, until it is let go. */
function cutForBeginners(log: EventStore) {
  const { promise: isWhole, resolve: letGo } = Promise.withResolvers<void>()
  const cut: { at?: LogPlace } = {}
  const readToFold: EventStore['readToFold'] = async function* (query) {
    const { at } = cut
    if (at === undefined || query.after > 0) return yield* log.readToFold(query)
    for await (const { events, ...page } of log.readToFold(query))
      yield { ...page, events: events.filter(({ position }) => position <= at.position), through: at }
    await isWhole
  }
  return { cut, letGo, log: { ...log, readToFold } }
}

/** A read store that commits to the live documents when it is let go, from when it is told to wait. */
function waitingToCommit(readStore: ReadStore) {
  const gate = { isClosed: false, isReached: false, ...Promise.withResolvers<void>() }
  const openCollection: ReadStore['openCollection'] = async (shape, epoch, generation) => {
    const collection = await readStore.openCollection(shape, epoch, generation)
    const commit: typeof collection.commit = async (request) => {
      gate.isReached ||= gate.isClosed && generation === 1
      if (gate.isReached && generation === 1) await gate.promise
      await collection.commit(request)
    }
    return { ...collection, commit }
  }
  return { gate, readStore: { ...readStore, openCollection } }
}

test('the live documents go on beside a build that cannot follow them to one place', async () => {
  await using world = await openWorld('caller', ':memory:')
  for (let n = 0; n < 30; n++) await append(world.log, make.placed('1'))
  const { cut, letGo, log } = cutForBeginners(world.log)
  const { gate, readStore } = waitingToCommit(world.readStore)
  await using served = await world.serve(orders, 50, { store: log, readStore })
  await expect.poll(() => served.runner.reached().position).toBe(30)
  // The build meets live documents that are about to be one event ahead, and reads no further.
  cut.at = await log.head()
  gate.isClosed = true
  await append(log, make.placed('1'))
  await expect.poll(() => gate.isReached).toBe(true)
  await served.rebuild.act('start')
  await expect.poll(async () => (await served.rebuild.status()).build?.position).toBe(30)
  gate.resolve()
  await append(log, make.placed('1'))
  await expect.poll(() => served.runner.reached().position, { timeout: 10_000 }).toBe(32)
  expect((await served.rebuild.status()).build).toMatchObject({ state: 'building', position: 30, target: 32 })
  letGo()
  expect((await settled(served)).live.generation).toBe(2)
  expect(served.faults).toEqual([])
})

test('a switch of which the word is lost has happened all the same', async () => {
  await using world = await openWorld('caller', ':memory:')
  await append(world.log, make.placed('1'))
  await using served = await world.serve(orders, 50, { readStore: losingWordOfSwitches(world.readStore) })
  await served.rebuild.act('start')
  expect((await settled(served)).live.generation).toBe(2)
  await append(world.log, make.placed('1'))
  await expect.poll(async () => (await served.model.get('1', now)).document?.version).toBe(2)
})

test('a build that differs waits for a decision, and its documents get another name', async () => {
  await using world = await openWorld('caller', ':memory:')
  const { log } = world
  await append(log, make.placed('1', 'ada'), make.placed('2', 'eve'))
  const impure = { pence: 1 }
  const on: Projection['on'] = { ...customers.on, Placed: () => ({ orders: 1, pence: impure.pence }) }
  await using served = await world.serve({ ...customers, on })
  await expect.poll(() => served.runner.reached().position).toBe(2)
  impure.pence = 2
  await served.rebuild.act('start')
  const { build } = await settled(served, 'differs')
  expect(build?.comparison).toMatchObject({ differing: 2, sample: ['ada', 'eve'] })
  expect((await served.model.get('ada', now)).document?.data).toMatchObject({ pence: 1 })
  await served.rebuild.act('drop')
  await expect(served.rebuild.act('back')).rejects.toMatchObject({ code: 'INPUT_INVALID' })
  await served.rebuild.act('start')
  await settled(served, 'differs')
  await served.rebuild.act('accept')
  await settled(served)
  expect((await served.model.get('ada', now)).document?.data).toMatchObject({ pence: 2 })
  expect(served.model.tag()).not.toBe('1')
})

test('a build that sets aside what readers have, or brings back what was skipped, differs', async () => {
  await using world = await openWorld('caller', ':memory:')
  await append(world.log, make.placed('1', 'ada'), make.placed('2', 'eve'))
  const { broken, on } = failingOnEve()
  await using served = await world.serve({ ...customers, on })
  await expect.poll(() => served.model.quarantine.count()).toBe(1)
  await served.model.quarantine.treat({ action: 'skip', key: 'eve', actor: null })
  await append(world.log, make.placed('3', 'ada'))
  await served.rebuild.act('start')
  const { build } = await settled(served, 'differs')
  expect(build?.comparison).toMatchObject({ differing: 1, sample: ['eve'] })
  expect(await served.model.get('eve', now)).toMatchObject({ document: undefined })
  broken.on = false
  await served.rebuild.act('drop')
  await served.rebuild.act('start')
  const mended = await settled(served, 'differs')
  expect(mended.build).toMatchObject({
    comparison: { documents: [1, 2], differing: 1, sample: ['eve'] },
    skipped: [{ key: 'eve', position: 2, type: 'Placed' }],
  })
  await served.rebuild.act('accept')
  await settled(served)
  expect((await served.model.get('eve', now)).document?.data).toEqual({ orders: 1, pence: 100 })
  await served.rebuild.act('start')
  expect((await settled(served)).live.generation).toBe(3)
})

test('a rebuild forgets the quarantine of what it replaces', async () => {
  await using world = await openWorld('caller', ':memory:')
  await append(world.log, make.placed('1', 'ada'), make.placed('2', 'eve'))
  const { broken, on } = failingOnEve()
  await using served = await world.serve({ ...customers, on })
  await expect.poll(() => served.model.quarantine.count()).toBe(1)
  broken.on = false
  await served.rebuild.act('start')
  await settled(served)
  expect(served.model.quarantine.count()).toBe(0)
  expect((await served.model.get('eve', now)).document?.data).toEqual({ orders: 1, pence: 100 })
})
