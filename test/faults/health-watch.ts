// A program that asks for the health of a server again and again, over a new connection each time, until its
// input ends, and prints how long the slowest answer took. Beside those who attack, it would wait for them.
import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { setTimeout } from 'node:timers/promises'

const [, , base = ''] = process.argv
const over = new AbortController()
process.stdin.on('end', () => over.abort()).resume()

async function ask(): Promise<number> {
  const begunMs = performance.now()
  const [response] = (await once(get(`${base}/healthz`, { agent: false }), 'response')) as [IncomingMessage]
  response.resume()
  await once(response, 'end')
  return performance.now() - begunMs
}

await ask()
console.log('ready')
let slowestMs = 0
while (!over.signal.aborted) {
  const tookMs = await ask()
  slowestMs = Math.max(slowestMs, tookMs)
  await setTimeout(10)
}
console.log(Math.round(slowestMs))
