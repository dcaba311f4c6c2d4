// Rebuilds over HTTP: what operators begin and decide, and what readers see of a switch.
import { expect, test } from 'vitest'
import { papersApp } from '../../host/test/papers.ts'
import type { Projection } from '../../core/index.ts'
import type { App } from '../../host/index.ts'
import { bodyOf, eventsOf, problemIn, serveShop, shop, type ServedShop } from '../test/shop.ts'

const path = '/admin/projections/order/rebuild'

/** The shop with a fold of orders that is changed while it runs, as no pure one can be. */
function changeable(changed: { on: boolean }): App {
  const [context] = shop.contexts
  const projections = context.projections.map((projection): Projection => {
    if (projection.name !== 'order') return projection
    const { OrderPlaced = () => null } = projection.on
    const placed: typeof OrderPlaced = (...args) => {
      const page = OrderPlaced(...args)
      return changed.on ? { ...Object(page), status: 'changed' } : page
    }
    return { ...projection, on: { ...projection.on, OrderPlaced: placed } }
  })
  return { ...shop, contexts: [{ ...context, projections }] }
}

async function untilBuilt({ get }: ServedShop, state: string): Promise<void> {
  await expect.poll(async () => (await bodyOf(await get(path))).build?.state).toBe(state)
}

test('a build with the same documents takes their place unnoticed, and there is a way back', async () => {
  await using served = await serveShop()
  const { get, post, place } = served
  await place('one')
  const before = await get('/reads/order/one?v=1')
  const live = eventsOf(await get('/reads/order', { accept: 'text/event-stream' }))
  expect((await live.take(1)).map(({ data }) => data.key)).toEqual(['one'])

  const begun = await post(path, {})
  expect(begun.status).toBe(202)
  await untilBuilt(served, 'switched')
  expect(await bodyOf(await get(path))).toMatchObject({
    live: { version: 1, generation: 2 },
    kept: [{ version: 1, generation: 1 }],
    build: { comparison: { documents: [1, 1], differing: 0, isSame: true }, error: null },
  })
  const after = await get('/reads/order/one')
  expect(after.headers.get('etag')).toBe(before.headers.get('etag'))
  expect(await bodyOf(after)).toEqual(await bodyOf(before))
  await place('two')
  expect((await live.next())?.data).toMatchObject({ key: 'two' })
  expect(live.text()).not.toContain('event: reset')

  expect((await post(path, { action: 'back' })).status).toBe(202)
  await expect.poll(async () => (await bodyOf(await get(path))).live.generation).toBe(1)
  expect((await get('/reads/order/two?v=1')).status).toBe(200)
  await live.close()
})

test('a build that differs waits for an operator, and open streams begin anew when it is shown', async () => {
  const changed = { on: false }
  await using served = await serveShop({ app: changeable(changed) })
  const { get, post, place } = served
  await place('one')
  await get('/reads/order/one?v=1')
  const live = eventsOf(await get('/reads/order', { accept: 'text/event-stream' }))
  const [first] = await live.take(1)
  changed.on = true
  await post(path, { action: 'start' })
  await untilBuilt(served, 'differs')
  expect(await bodyOf(await get(path))).toMatchObject({
    live: { generation: 1 },
    build: { comparison: { differing: 1, sample: ['one'], isSame: false } },
  })
  expect(await problemIn(await post(path, { action: 'start' }))).toMatchObject({ code: 'INPUT_INVALID' })
  expect(await bodyOf(await get('/reads/order/one'))).toMatchObject({ data: { status: 'placed' } })

  await post(path, { action: 'accept' })
  await untilBuilt(served, 'switched')
  expect(await bodyOf(await get('/reads/order/one'))).toMatchObject({ data: { status: 'changed' } })
  const [reset, again] = await live.take(2)
  expect([reset?.event, again?.data]).toMatchObject(['reset', { key: 'one', data: { status: 'changed' } }])
  await live.close()
  const headers = { accept: 'text/event-stream', 'last-event-id': first?.id ?? '' }
  const resumed = eventsOf(await get('/reads/order', headers))
  expect((await resumed.next())?.event).toBe('reset')
  await resumed.close()
})

test('documents that commit with events are not built anew', async () => {
  await using served = await serveShop({ app: papersApp(), prefix: '' })
  const synchronous = '/admin/projections/access/rebuild'
  expect(await problemIn(await served.get(synchronous))).toMatchObject({ status: 400, code: 'INPUT_INVALID' })
  expect((await problemIn(await served.post(synchronous, {}))).detail).toMatch(/synchronous/)
})

test.each(['write', 'project'] as const)(
  'a process with the role %s knows what it is to be synchronous',
  async (role) => {
    await using served = await serveShop({ app: papersApp(), prefix: '', roles: [role] })
    expect(await problemIn(await served.get('/admin/projections/access/rebuild'))).toMatchObject({
      status: 400,
      detail: 'access is synchronous: its documents commit with events, and are not built anew.',
    })
    expect(await problemIn(await served.get('/admin/quarantine/access/ada'))).toMatchObject({
      status: 404,
      detail: 'access is synchronous: what it cannot fold fails the command, and no key stands still.',
    })
  },
)

test('what cannot be begun is refused, and says why', async () => {
  await using served = await serveShop()
  const { get, post } = served
  const refused = async (body: object) => problemIn(await post(path, body))
  expect(await refused({ action: 'explode' })).toMatchObject({
    status: 400,
    errors: [{ pointer: '/action' }],
  })
  expect(await refused({ also: 1 })).toMatchObject({ status: 400, errors: [{ pointer: '/also' }] })
  expect(await refused({ 'a/b~c': 1 })).toMatchObject({ status: 400, errors: [{ pointer: '/a~1b~0c' }] })
  expect(await refused({ action: 'accept' })).toMatchObject({ code: 'INPUT_INVALID' })
  expect(await refused({ action: 'back' })).toMatchObject({ code: 'INPUT_INVALID' })
  expect((await get('/admin/projections/nothing/rebuild')).status).toBe(404)
})
