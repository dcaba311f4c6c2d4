// Newer versions beside older documents: they take over by themselves only where readers and operators lose
// nothing.
import { expect, test } from 'vitest'
import { projection, type Projection } from '../core/index.ts'
import { failingOnEve, losingWordOfSwitches, openWorld, settled, watch } from './test/served.ts'
import { append, customers, make, orders, shopEvents } from './test/shop.ts'

const now = { waitMs: 0 }

test('a newer version is built beside the older one, and the older code leads back', async () => {
  await using world = await openWorld('caller', ':memory:')
  const { log } = world
  for (let n = 0; n < 300; n++) await append(log, make.placed(`${n % 5}`))
  {
    await using served = await world.serve(orders)
    await expect.poll(() => served.runner.reached().position).toBe(300)
  }
  const newer: Projection = {
    ...orders,
    version: 2,
    indexes: [],
    on: { ...orders.on, Placed: (_, { version }) => ({ status: 'placed', pence: version }) },
  }
  await append(log, make.placed('1'))
  {
    await using served = await world.serve(newer, 1)
    const first = await served.model.get('1', now)
    expect(first).toMatchObject({ document: { version: 60, data: { pence: 100 } }, tag: '1' })
    expect(first.place.position).toBe(300)
    const progress = { isOver: false }
    const reading = watch(served, '1', () => progress.isOver)
    const token = new Map([[log.log, await log.head()]])
    const found = await served.model.get('1', { token, waitMs: 10_000 })
    progress.isOver = true
    await reading
    expect(found).toMatchObject({ document: { version: 61, data: { pence: 61 } }, tag: '2' })
    expect((await served.rebuild.status()).kept).toEqual([{ version: 1, generation: 1 }])
    expect(served.faults).toEqual([])
  }
  await using served = await world.serve(orders)
  await expect.poll(() => served.model.tag()).toBe('1')
  const found = await served.model.get('1', now)
  expect(found).toMatchObject({ document: { version: 61, data: { pence: 100 } }, place: { position: 301 } })
})

test('an upgrade that stops is named, and the documents of the older version stay readable', async () => {
  await using world = await openWorld('caller', ':memory:')
  await append(world.log, make.placed('1'))
  {
    await using served = await world.serve(orders)
    await expect.poll(() => served.runner.reached().position).toBe(1)
    expect(served.model.upgradeStopped()).toBeUndefined()
  }
  const key = (): string => {
    throw new Error('it has no key')
  }
  const unkeyed = projection('orders', {
    version: 2,
    of: shopEvents,
    key: { Placed: key },
    initial: { pence: 0 },
    on: { Placed: (document) => document },
  })
  await using served = await world.serve(unkeyed)
  await expect.poll(() => served.model.upgradeStopped()).toMatch(/no key/)
  expect(served.model.stopped()).toBeUndefined()
  expect((await served.model.get('1', now)).document?.data).toMatchObject({ pence: 100 })
})

/** A world in which readers have documents of ada and eve, as version 1 made them. */
async function openWithCustomers() {
  const world = await openWorld('caller', ':memory:')
  await append(world.log, make.placed('1', 'ada'), make.placed('2', 'eve'))
  await using served = await world.serve(customers)
  await expect.poll(() => served.runner.reached().position).toBe(2)
  return world
}

test('a newer version that sets aside what readers have waits, until an operator accepts it', async () => {
  await using world = await openWithCustomers()
  const Placed = (): never => {
    throw new Error('bad')
  }
  await using served = await world.serve({ ...customers, version: 2, on: { Placed } })
  const { build, live } = await settled(served, 'differs')
  expect(live).toEqual({ version: 1, generation: 1 })
  expect(build).toMatchObject({
    version: 2,
    comparison: { documents: [2, 0], differing: 2, sample: ['ada', 'eve'], isSame: false },
    skipped: [],
  })
  expect(served.model.upgradeStopped()).toMatch(/^Version 2 differs in 2 keys.*: ada, eve\. .*--accept/)
  expect(served.model.stopped()).toBeUndefined()
  expect((await served.model.get('eve', now)).document?.data).toEqual({ orders: 1, pence: 100 })
  for (const action of ['start', 'back', 'drop'] as const)
    await expect(served.rebuild.act(action)).rejects.toMatchObject({
      code: 'INPUT_INVALID',
      message: expect.stringMatching(/newer version that differs: accept it/),
    })
  await served.rebuild.act('accept')
  await expect.poll(async () => (await served.rebuild.status()).live.version).toBe(2)
  expect(served.model.upgradeStopped()).toBeUndefined()
  await expect(served.model.get('eve', now)).rejects.toMatchObject({ code: 'KEY_QUARANTINED' })
  await expect(served.rebuild.act('accept')).rejects.toMatchObject({ code: 'INPUT_INVALID' })
})

test('mended code of the newer version takes over by itself, and older code leads back', async () => {
  await using world = await openWithCustomers()
  const { broken, on } = failingOnEve()
  const newer: Projection = { ...customers, version: 2, on }
  {
    await using served = await world.serve(newer)
    expect((await settled(served, 'differs')).build?.comparison).toMatchObject({ sample: ['eve'] })
  }
  {
    await using served = await world.serve(customers)
    expect(served.model.tag()).toBe('1')
    expect(served.model.upgradeStopped()).toBeUndefined()
  }
  broken.on = false
  {
    await using served = await world.serve(newer)
    await expect.poll(() => served.model.tag()).toBe('2')
    expect((await served.model.get('eve', now)).document?.data).toEqual({ orders: 1, pence: 100 })
  }
  // Whoever starts older code has decided, whatever it sets aside by now.
  broken.on = true
  await append(world.log, make.placed('3', 'eve'))
  await using served = await world.serve({ ...customers, on })
  await expect.poll(() => served.model.tag()).toBe('1')
  expect(served.model.quarantine.count()).toBe(1)
})

test('a newer version of whose switch the word is lost is live all the same', async () => {
  await using world = await openWithCustomers()
  const stores = { readStore: losingWordOfSwitches(world.readStore) }
  await using served = await world.serve({ ...customers, version: 2 }, 50, stores)
  await expect.poll(() => served.model.tag(), { timeout: 5000 }).toBe('2')
  await append(world.log, make.placed('3', 'eve'))
  const read = async () => (await served.model.get('eve', now)).document?.data
  await expect.poll(read).toEqual({ orders: 2, pence: 200 })
})

test('a newer version over a skipped event waits, whether it fails on it or brings it back', async () => {
  await using world = await openWorld('caller', ':memory:')
  await append(world.log, make.placed('1', 'ada'), make.placed('2', 'eve'))
  const { broken, on } = failingOnEve()
  {
    await using served = await world.serve({ ...customers, on })
    await expect.poll(() => served.model.quarantine.count()).toBe(1)
    await served.model.quarantine.treat({ action: 'skip', key: 'eve', actor: null })
  }
  const skipped = [{ key: 'eve', position: 2, type: 'Placed' }]
  for (const isBroken of [true, false]) {
    broken.on = isBroken
    await using served = await world.serve({ ...customers, version: 2, on })
    const { build } = await settled(served, 'differs')
    expect(build).toMatchObject({ comparison: { differing: 1, sample: ['eve'] }, skipped })
    expect(await served.model.get('eve', now)).toMatchObject({ document: undefined, tag: '1' })
  }
})
