// Split projections: what their parts keep together is what one would keep alone, as fresh as a reader
// demands, and served without a gap when the number of parts becomes another.
import { expect, test } from 'vitest'
import { position } from '../core/codec/index.ts'
import { projection, systemRuntime, type Projection } from '../core/index.ts'
import { partNames } from '../core/inspection/index.ts'
import type { ChangeCursor, EventStore, StoredDocument } from '../core/ports/index.ts'
import { createProjectionRunner } from './create-projection-runner.ts'
import { createReadModel } from './create-read-model.ts'
import { runProjections, type ReadModel } from './index.ts'
import { partIndex, partsOf } from './parts.ts'
import { showRunner, type ShownDocuments } from './shown-projection.ts'
import { showSplit } from './split-projection.ts'
import {
  append,
  customers,
  foldFromNothing,
  make,
  openShop,
  orders,
  products,
  shopEvents,
  type Shop,
  type ShopEvent,
} from './test/shop.ts'

const everything = { where: [], search: null, afterKey: null, limit: 1000 }
const now = { waitMs: 0 }

/** A key of each part. */
function keysIn(parts: number): readonly string[] {
  const keys = Array.from({ length: 100 }, (_, index) => `key-${index}`)
  return Array.from({ length: parts }, (_, part) => keys.find((key) => partIndex(key, parts) === part) ?? '')
}

/** Runs the parts of a projection, each of which can be held. */
async function runSplit(shop: Shop, of: Projection, parts: number) {
  const split = { ...of, parts }
  const runners = await Promise.all(
    partsOf(split).map((one) =>
      createProjectionRunner({
        projection: one,
        store: shop.log,
        readStore: shop.reads,
        runtime: systemRuntime,
      }),
    ),
  )
  const shown = runners.map((runner) => showRunner({ runner, runtime: systemRuntime }))
  const whole = showSplit(split, shown)
  const model = createReadModel({ shown: whole, runtime: systemRuntime })
  return {
    runners,
    documents: whole.collection,
    model,
    caughtUp: () => caughtUp(shop, model),
    [Symbol.asyncDispose]: async () => void (await Promise.all(runners.map((runner) => runner.stop()))),
  }
}

async function caughtUp({ log }: Shop, model: ReadModel): Promise<void> {
  const token = new Map([[log.log, await log.head()]])
  await model.list({ ...everything, limit: 1 }, { token, waitMs: 10_000 })
}

function start(shop: Shop, of: Projection, log: EventStore = shop.log) {
  const reportFault = (): void => {}
  return runProjections({
    projections: [of],
    store: log,
    readStore: shop.reads,
    runtime: systemRuntime,
    reportFault,
  })
}

function busyShop(): readonly ShopEvent[] {
  return Array.from({ length: 200 }, (_, index): ShopEvent => {
    const id = `${index % 60}`
    if (index % 7 === 0) return make.forgotten(id)
    return make.placed(id, `c-${index % 13}`, { products: [`p-${index % 31}`, `p-${index % 17}`, '𝄞', '～'] })
  })
}

/** All pages of a listing. */
async function pagesOf(model: ReadModel, limit: number) {
  const found = []
  for (let afterKey: string | null = null; ;) {
    const { documents, more } = await model.list({ ...everything, afterKey, limit }, now)
    found.push(...documents)
    if (!more) return found
    afterKey = documents.at(-1)?.key ?? afterKey
  }
}

/** The keys of all pages of a few documents each, which their bytes bound. */
async function keysByBytes(documents: ShownDocuments): Promise<readonly string[]> {
  const found: string[] = []
  for (let afterKey: string | null = null; ;) {
    const page = await documents.page({ ...everything, afterKey, bytesMax: 1000 })
    found.push(...page.documents.map(({ key }) => key))
    if (!page.more) return found
    afterKey = found.at(-1) ?? afterKey
  }
}

/** Everything that changed after a place, as a stream of changes goes through it. */
async function changesOf(
  model: ReadModel,
  { limit, bytesMax = 64 * 1024 }: { readonly limit: number; readonly bytesMax?: number },
  after = { position: position(0), key: '' },
) {
  const found: StoredDocument[] = []
  for (let at: ChangeCursor = after; ;) {
    const { documents } = await model.changes(at, { limit, bytesMax })
    const last = documents.at(-1)
    if (last === undefined) return found
    found.push(...documents)
    at = last
  }
}

test('a key belongs to the same part for ever', () => {
  const keys = ['', 'a', 'b', 'order-1', 'order-2', '𝄞', '85123A']
  expect(keys.map((key) => partIndex(key, 4))).toEqual([3, 3, 2, 0, 0, 3, 0])
  const counts = Array.from({ length: 8 }, () => 0)
  for (let index = 0; index < 8000; index++) {
    const part = partIndex(`${index}`, 8)
    counts[part] = (counts[part] ?? 0) + 1
  }
  expect(Math.min(...counts)).toBeGreaterThan(850)
})

test('a number of parts that cannot be is refused where it is defined', () => {
  const definition = { version: 1, of: shopEvents, key: 'stream', initial: {}, on: {} } as const
  for (const parts of [0, -1, 1.5, 33, Number.NaN])
    expect(() => projection('orders', { ...definition, parts })).toThrow(/parts/)
  expect(() => projection('orders', { ...definition, parts: 2, synchronous: true })).toThrow(/synchronous/)
  expect(projection('orders', { ...definition, parts: 32 }).parts).toBe(32)
  expect(projection('orders', definition).parts).toBe(1)
})

for (const of of [orders, customers, products]) {
  test(`the parts of ${of.name} keep together what it would keep alone`, async () => {
    await using shop = await openShop()
    const events = busyShop()
    await append(shop.log, ...events)
    await using split = await runSplit(shop, of, 4)
    await split.caughtUp()
    const alone = foldFromNothing(of, events)
    const byKey = (one: { key: string }, other: { key: string }): number =>
      Buffer.compare(Buffer.from(one.key), Buffer.from(other.key))
    const there = alone.filter(({ data }) => data !== null).toSorted(byKey)
    for (const limit of [1, 7, 1000]) expect(await pagesOf(split.model, limit)).toEqual(there)
    const changed = alone.toSorted((one, other) => one.position - other.position || byKey(one, other))
    for (const limit of [1, 9, 1000]) expect(await changesOf(split.model, { limit })).toEqual(changed)
    // Large documents end the page of one part long before that of another.
    expect(await changesOf(split.model, { limit: 50, bytesMax: 1000 })).toEqual(changed)
    expect(await keysByBytes(split.documents)).toEqual(there.map(({ key }) => key))
    for (const { key, data } of alone)
      expect((await split.model.get(key, now)).document?.data ?? null).toEqual(data)
  })
}

test('a key is as fresh as its part, and a listing as the part that is behind', async () => {
  await using shop = await openShop()
  await using split = await runSplit(shop, customers, 2)
  const [early = '', late = ''] = keysIn(2)
  await append(shop.log, make.placed('1', early), make.placed('2', late))
  await split.caughtUp()
  const held = await split.runners[1]?.hold()
  const place = await append(shop.log, make.placed('3', early), make.placed('4', late))
  const token = new Map([[shop.log.log, place]])
  const read = await split.model.get(early, { token, waitMs: 5000 })
  expect(read).toMatchObject({ document: { data: { orders: 2 } }, place: { position: 4 } })
  const behind = { code: 'READ_MODEL_BEHIND', details: { place: { position: 2 } } }
  await expect(split.model.get(late, { token, waitMs: 20 })).rejects.toMatchObject(behind)
  await expect(split.model.list(everything, { token, waitMs: 20 })).rejects.toMatchObject(behind)
  expect(await split.model.list(everything, now)).toMatchObject({ place: { position: 2 } })
  // Neither is overtaken: what changed beyond the least place comes when all have it.
  const after = { position: position(2), key: '~' }
  expect(await changesOf(split.model, { limit: 10 }, after)).toEqual([])
  expect((await split.model.changes(after, { limit: 10, bytesMax: 1e6, key: early })).documents).toHaveLength(
    1,
  )
  const waiting = split.model.list(everything, { token, waitMs: 5000 })
  held?.release()
  expect(await waiting).toMatchObject({ place: { position: 4 } })
  expect((await changesOf(split.model, { limit: 10 }, after)).map(({ key }) => key)).toEqual([early, late])
})

test('a key that fails stands still alone, and is healed where it is', async () => {
  const broken = { key: '' }
  const breaking: Projection = {
    ...customers,
    parts: 3,
    on: {
      ...customers.on,
      Placed: (...args) => {
        if (args[2] === broken.key) throw new Error('no reason')
        return customers.on['Placed']?.(...args) ?? null
      },
    },
  }
  await using shop = await openShop()
  const running = await start(shop, breaking)
  const [model] = running.models
  const [first = '', second = '', third = ''] = keysIn(3)
  broken.key = second
  await append(
    shop.log,
    ...[first, second, third].map((customer, index) => make.placed(`${index}`, customer)),
  )
  await expect(caughtUp(shop, model as ReadModel)).resolves.toBeUndefined()
  expect(model?.quarantine.count()).toBe(1)
  expect(await model?.quarantine.list()).toMatchObject([{ key: second, queued: 1 }])
  await expect(model?.get(second, now)).rejects.toMatchObject({ code: 'KEY_QUARANTINED' })
  expect((await model?.get(third, now))?.document?.data).toMatchObject({ orders: 1 })
  broken.key = ''
  const treated = await model?.quarantine.treat({ key: second, action: 'replay', actor: null })
  expect(treated).toMatchObject({ status: 'healed', applied: 1 })
  expect((await model?.get(second, now))?.document?.data).toMatchObject({ orders: 1 })
  await running.stop()
})

test('a rebuild builds every part anew', async () => {
  await using shop = await openShop()
  const running = await start(shop, { ...products, parts: 3 })
  const model = running.models[0] as ReadModel
  await append(shop.log, ...busyShop())
  await caughtUp(shop, model)
  const before = await pagesOf(model, 10)
  await model.rebuild?.act('start')
  const switched = { live: { generation: 2 }, build: { state: 'switched' }, parts: { here: 3, all: 3 } }
  await expect.poll(() => model.rebuild?.status()).toMatchObject(switched)
  expect(await pagesOf(model, 10)).toEqual(before)
  const { build } = (await model.rebuild?.status()) ?? {}
  expect(build?.comparison).toMatchObject({ documents: [before.length, before.length], differing: 0 })
  await running.stop()
})

/** The log, whose events are folded no sooner than they may be. */
function gated(log: EventStore) {
  const gate = Promise.withResolvers<void>()
  return {
    open: gate.resolve,
    log: {
      ...log,
      async *readToFold(...args: Parameters<EventStore['readToFold']>) {
        await gate.promise
        yield* log.readToFold(...args)
      },
    },
  }
}

for (const [before, after] of [
  [1, 3],
  [2, 5],
  [4, 1],
] as const) {
  test(`${before} parts are served until ${after} contain as much, then forgotten`, async () => {
    await using shop = await openShop()
    const events = busyShop()
    await append(shop.log, ...events)
    const first = await start(shop, { ...orders, parts: before })
    await caughtUp(shop, first.models[0] as ReadModel)
    const documents = await pagesOf(first.models[0] as ReadModel, 10)
    const tag = first.models[0]?.tag()
    await first.stop()

    const gate = gated(shop.log)
    const second = await start(shop, { ...orders, parts: after }, gate.log)
    const model = second.models[0] as ReadModel
    expect(await pagesOf(model, 10)).toEqual(documents)
    expect(model.tag()).toBe(tag)
    const token = new Map([[shop.log.log, await append(shop.log, make.placed('new'))]])
    const waiting = model.get('new', { token, waitMs: 10_000 })
    gate.open()
    expect((await waiting).document?.data).toMatchObject({ status: 'placed' })
    expect(model.tag()).not.toBe(tag)
    expect(await pagesOf(model, 10)).toHaveLength(documents.length + 1)
    const all = [...partNames('orders', before), ...partNames('orders', after)]
    expect((await shop.reads.names(shop.log.log)).toSorted()).toEqual(all.toSorted())
    await second.stop()

    const third = await start(shop, { ...orders, parts: after })
    const left = await shop.reads.names(shop.log.log)
    expect(left.toSorted()).toEqual(partNames('orders', after).toSorted())
    await caughtUp(shop, third.models[0] as ReadModel)
    expect(await pagesOf(third.models[0] as ReadModel, 10)).toHaveLength(documents.length + 1)
    await third.stop()
  })
}
