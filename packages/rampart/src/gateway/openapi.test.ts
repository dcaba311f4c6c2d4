// The OpenAPI document: valid, complete, and true to what the endpoints do.
import { Validator } from '@seriousme/openapi-schema-validator'
import { afterAll, expect, test } from 'vitest'
import { bodyOf, serveShop } from './test/shop.ts'

const served = await serveShop()
afterAll(() => served[Symbol.asyncDispose]())
const document = await bodyOf(await served.get('/openapi.json'))

test('is a valid OpenAPI 3.1 document', async () => {
  const validator = new Validator()
  const result = await validator.validate(structuredClone(document))
  expect(result.errors ?? []).toEqual([])
  expect([result.valid, validator.version]).toEqual([true, '3.1'])
})

test('names every endpoint of the app, with its prefix', () => {
  expect(Object.keys(document.paths).toSorted()).toEqual([
    '/shop/admin/events',
    '/shop/admin/projections/{projection}/rebuild',
    '/shop/admin/quarantine',
    '/shop/admin/quarantine/{projection}/{key}',
    '/shop/commands/CancelOrder',
    '/shop/commands/PlaceOrder',
    '/shop/commands/SendParcel',
    '/shop/commands/WeighParcel',
    '/shop/commands/{commandId}',
    '/shop/parcels',
    '/shop/parcels/{id}',
    '/shop/reads/customers',
    '/shop/reads/customers/{key}',
    '/shop/reads/order',
    '/shop/reads/order/{key}',
    '/shop/reads/parcels',
    '/shop/reads/parcels/{key}',
  ])
  expect(Object.keys(document.paths['/shop/parcels/{id}'])).toEqual(['put', 'get'])
})

test('describes a command by its own schema and refusals', () => {
  const { post } = document.paths['/shop/commands/PlaceOrder']
  const { schema } = post.requestBody.content['application/json']
  expect(schema.required).toEqual(['streamId', 'data'])
  expect(schema.additionalProperties).toBe(false)
  expect(schema.properties.data.properties.lines.items.properties.quantity).toMatchObject({
    type: 'integer',
    minimum: 1,
  })
  expect(JSON.stringify(post.responses['422'])).toContain('ORDER_EXISTS')
  const parcel =
    document.paths['/shop/commands/SendParcel'].post.requestBody.content['application/json'].schema
  expect(parcel.required).toEqual(['data'])
  expect(parcel.properties.streamId.format).toBe('uuid')
})

test('refers to nothing that is not there', () => {
  const references = [...JSON.stringify(document).matchAll(/"#\/([^"]+)"/g)].map((match) => match[1] ?? '')
  expect(references.length).toBeGreaterThan(20)
  const isThere = (reference: string): boolean =>
    reference.split('/').reduce((node, name) => node?.[name], document) !== undefined
  expect(references.filter((reference) => !isThere(reference))).toEqual([])
})
