// The limit of any HTTP command here: hono on Node reads a JSON body and answers, and nothing else.
import { serve } from '@hono/node-server'
import { Hono } from 'hono'

const answer = {
  commandId: '00000000-0000-7000-8000-000000000000',
  status: 'succeeded',
  streamId: 'account-1',
  version: 1,
  position: 1,
}

const server = new Hono().post('/commands/Deposit', async (exchange) => {
  await exchange.req.json()
  return exchange.json(answer)
})
const listening = serve({ fetch: server.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) => {
  console.log(`http://127.0.0.1:${port}`)
})
process.once('SIGTERM', () => {
  listening.close()
  process.exit(0)
})
