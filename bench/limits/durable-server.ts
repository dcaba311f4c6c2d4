// The limit of a durable HTTP command here: hono on Node reads a JSON body, a bare SQLite loop in the same
// thread commits the rows of everyone who waits, and nothing is checked, remembered or sealed.
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { openBareTable } from './bare-sqlite.ts'

const table = openBareTable(process.env['RAMPART_DATA'] ?? '.')
let streams = 0

const server = new Hono().post('/commands/Deposit', async (exchange) => {
  const { streamId, data } = await exchange.req.json()
  const stream = ++streams
  const payload = Buffer.from(JSON.stringify(data))
  await table.append({ stream, version: 1, name: streamId, payload })
  const commandId = '00000000-0000-7000-8000-000000000000'
  return exchange.json({ commandId, status: 'succeeded', streamId, version: 1, position: stream })
})
const listening = serve({ fetch: server.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) => {
  console.log(`http://127.0.0.1:${port}`)
})
process.once('SIGTERM', () => {
  listening.close()
  process.exit(0)
})
