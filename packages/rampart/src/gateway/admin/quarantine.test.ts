// Quarantine over HTTP: what readers, watchers and operators see of a key that stands still.
import { expect, test } from 'vitest'
import type { Projection } from '../../core/index.ts'
import type { App } from '../../host/index.ts'
import { bodyOf, eventsOf, placing, problemIn, serveShop, shop } from '../test/shop.ts'

/** The shop with a fold of orders that fails while `broken.on` is true. */
function breakable(broken: { on: boolean }): App {
  const [context] = shop.contexts
  const projections = context.projections.map((projection): Projection => {
    if (projection.name !== 'order') return projection
    const { OrderCancelled = () => null } = projection.on
    const cancelled: typeof OrderCancelled = (...args) => {
      if (broken.on && args[2] === 'bad') throw new Error('no reason')
      return OrderCancelled(...args)
    }
    return { ...projection, on: { ...projection.on, OrderCancelled: cancelled } }
  })
  return { ...shop, contexts: [{ ...context, projections }] }
}

test('a quarantined key is refused alone, marked, counted, and healed for those who follow it', async () => {
  const broken = { on: true }
  await using served = await serveShop({ app: breakable(broken) })
  const { get, post, place, gateway } = served
  await place('bad')
  await place('good')
  await get('/reads/order/good?v=1')
  const stream = await get('/reads/order', { accept: 'text/event-stream' })
  const live = eventsOf(stream)
  expect((await live.take(2)).map(({ data }) => data.key)).toEqual(['bad', 'good'])
  await post('/commands/CancelOrder', { streamId: 'bad' })
  await post('/commands/CancelOrder', { streamId: 'good' })
  expect((await get('/reads/order/good?v=2')).status).toBe(200)

  const refused = await get('/reads/order/bad?v=2')
  expect(refused.headers.get('retry-after')).toBe('2')
  expect(await problemIn(refused)).toMatchObject({ status: 503, code: 'KEY_QUARANTINED' })
  const { items } = await bodyOf(await get('/reads/order'))
  expect(items).toMatchObject([
    { key: 'bad', version: 1, data: { status: 'placed' }, quarantined: true },
    { key: 'good', version: 2, data: { status: 'cancelled' } },
  ])
  expect(items[1]).not.toHaveProperty('quarantined')
  const health = await bodyOf(await gateway.fetch(new Request('http://localhost/readyz')))
  expect(health.projections['shop/order']).toMatchObject({ quarantinedKeys: 1, lagEvents: 0 })
  expect(health.projections['shop/customers']).not.toHaveProperty('quarantinedKeys')
  const metrics = await (await gateway.fetch(new Request('http://localhost/metrics'))).text()
  expect(metrics).toContain('rampart_quarantined_keys{projection="shop/order"} 1')

  const listed = await bodyOf(await get('/admin/quarantine'))
  expect(listed.items).toMatchObject([
    {
      projection: 'order',
      key: 'bad',
      error: expect.stringContaining('no reason'),
      event: { position: 3, type: 'OrderCancelled' },
      queued: 1,
      document: { version: 1, data: { status: 'placed' } },
    },
  ])
  expect((await live.next())?.data).toMatchObject({ key: 'good', version: 2 })
  const treat = (action: unknown) => post('/admin/quarantine/order/bad', { action })
  expect(await bodyOf(await treat('replay'))).toMatchObject({
    status: 'failed',
    applied: 0,
    event: { position: 3 },
  })
  broken.on = false
  expect(await bodyOf(await treat('dry-run'))).toMatchObject({ status: 'would-heal', applied: 1 })
  expect((await get('/reads/order/bad')).status).toBe(503)
  expect(await bodyOf(await treat('replay'))).toMatchObject({ status: 'healed', document: { version: 2 } })
  expect(await bodyOf(await get('/reads/order/bad'))).toMatchObject({
    version: 2,
    data: { status: 'cancelled' },
  })
  // The healed document stands at the position of `good`, and before its key: nobody misses it.
  const seen = []
  for (let event = await live.next(); event !== undefined; event = await live.next()) {
    seen.push(event)
    if (event.data.key === 'bad') break
  }
  expect(seen.at(-1)?.data).toMatchObject({ key: 'bad', version: 2, data: { status: 'cancelled' } })
  await live.close()
  const resumed = eventsOf(
    await get('/reads/order', { accept: 'text/event-stream', 'last-event-id': seen.at(-1)?.id ?? '' }),
  )
  await place('later')
  const after = await resumed.next()
  expect(['good', 'later']).toContain(after?.data.key)
  await resumed.close()
})

test('skipping is recorded', async () => {
  await using served = await serveShop({ app: breakable({ on: true }) })
  const { get, post, place } = served
  await place('bad')
  await post('/commands/CancelOrder', { streamId: 'bad' })
  await place('good')
  await get('/reads/order/good?v=1')
  const skipped = await bodyOf(await post('/admin/quarantine/order/bad', { action: 'skip' }))
  expect(skipped).toMatchObject({ status: 'healed', applied: 0, document: { version: 1 } })
  const { items, skipped: record } = await bodyOf(await get('/admin/quarantine'))
  expect(items).toEqual([])
  expect(record).toMatchObject([{ projection: 'order', key: 'bad', event: { position: 2 }, actor: null }])
})

test('bad requests of operators are problems', async () => {
  await using served = await serveShop()
  const { get, post } = served
  const cases: readonly (readonly [Promise<Response>, number, string])[] = [
    [get('/admin/quarantine/order/none'), 404, 'READ_NOT_FOUND'],
    [get('/admin/quarantine/none/none'), 404, 'PROJECTION_UNKNOWN'],
    [post('/admin/quarantine/order/none', { action: 'replay' }), 404, 'READ_NOT_FOUND'],
    [post('/admin/quarantine/order/none', { action: 'mend' }), 400, 'INPUT_INVALID'],
    [post('/admin/quarantine/order/none', {}), 400, 'INPUT_INVALID'],
    [post('/admin/quarantine/order/none', { action: 'skip', more: 1 }), 400, 'INPUT_INVALID'],
    [post('/admin/quarantine/order/none', '[]'), 400, 'INPUT_INVALID'],
    [post('/admin/quarantine/order/%00', { action: 'skip' }), 400, 'INPUT_INVALID'],
    [post('/admin/quarantine', placing('x')), 405, 'METHOD_NOT_ALLOWED'],
  ]
  for (const [answer, status, code] of cases) {
    expect(await problemIn(await answer)).toMatchObject({ status, code })
  }
  expect(served.faults).toEqual([])
})
