// The shop behind authentication: its importer sends with a token, and every token that holds may read.
import { createHmac } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { ask, runImporter, startOrders, statusOf, temporaryFolder } from './server.ts'

const folder = temporaryFolder()
afterAll(folder.remove)

const secret = 'the secret of a shop and its importer'
function tokenFor(subject: string, roles: readonly string[] = []): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const exp = Math.floor(Date.now() / 1000) + 600
  const signed = `${part({ alg: 'HS256' })}.${part({ sub: subject, roles, exp })}`
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
}
const as = (token: string): { readonly headers: Record<string, string> } => ({
  headers: { authorization: `Bearer ${token}` },
})

test('the importer needs a token, and acts as its subject', async () => {
  await using server = await startOrders(join(folder.path, 'data'), { RAMPART_JWT_SECRET: secret })
  const file = join(folder.path, 'shop.csv')
  const lines = [
    'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country',
    '536365,85123A,WHITE HANGING HEART T-LIGHT HOLDER,6,12/1/2010 8:26,2.55,17850,United Kingdom',
    '536366,22633,HAND WARMER UNION JACK,6,12/1/2010 8:28,1.85,17850,United Kingdom',
  ]
  writeFileSync(file, `${lines.join('\n')}\n`)
  const refused = runImporter([file, '--base', server.base])
  expect(await refused.exited).toBe(1)
  expect(refused.stderr()).toContain('401')
  const importer = tokenFor('importer')
  const imported = runImporter([file, '--base', server.base], { RAMPART_TOKEN: importer })
  expect([await imported.exited, imported.stderr()]).toEqual([0, expect.not.stringContaining(importer)])
  expect(await statusOf(`${server.base}/reads/order/536365`)).toBe(401)
  expect((await ask(`${server.base}/reads/order/536365?v=1`, as(tokenFor('anyone')))).status).toBe(200)
  const log = await ask(`${server.base}/admin/events`, as(tokenFor('root', ['admin'])))
  const actors = Object(log.body).events.map((event: { metadata: { actor: string } }) => event.metadata.actor)
  expect(new Set(actors)).toEqual(new Set(['importer']))
  expect(imported.stdout() + server.process.stdout() + server.process.stderr()).not.toContain(importer)
})
