// Finds ports for servers of tests that must know theirs before they start, or keep it over restarts.
import { once } from 'node:events'
import { createServer } from 'node:net'

// Systems take ports from 32,768 on for connections that go out, so one of those may be gone any time.
const [first, count] = [10_000, 22_000]

/** A port of loopback on which nobody listens, and which no outgoing connection gets. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = first + Math.floor(Math.random() * count)
    if (await isFree(port)) return port
  }
  throw new Error('No free port was found.')
}

async function isFree(port: number): Promise<boolean> {
  const probe = createServer()
  try {
    await once(probe.listen(port, '127.0.0.1'), 'listening')
  } catch {
    // Somebody listens there.
    return false
  }
  probe.close()
  await once(probe, 'close')
  return true
}
