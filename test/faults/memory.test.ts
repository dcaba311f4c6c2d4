// Hundreds of clients at once that send and demand what is large: a server stays within its memory, and its
// health check is answered. `npm run test:faults` takes every attack for longer, and prints the figures.
import { existsSync, rmSync } from 'node:fs'
import { expect, test } from 'vitest'
import { attack, requestBytes, type Attack } from './attacks.ts'
import { ask, place, startServer } from './server.ts'
import { everyPoint, temporaryFolder } from './tools.ts'

const peakMibMax = 768
/** An order of a little less than the megabyte that a body may have. */
const line = { sku: 'mug', description: 'D'.repeat(480), quantity: 1, unitPricePence: 1 }
const large = JSON.stringify(Array.from({ length: 1900 }, () => line))
const ordered = (id: string): string =>
  `{"streamId":"${id}","data":{"country":"Greece","placedOn":"2026-01-01","lines":${large}}}`

const command = (body: string, headers = '') => requestBytes('POST', '/commands/PlaceOrder', body, headers)
const nested = `{"data":${'['.repeat(500_000)}${']'.repeat(500_000)}}`
const faulty = `{"data":{"lines":[${'{"q":1,"sku":2,"p":-1},'.repeat(40_000)}1]}}`

const attacks: Readonly<Record<string, Attack>> = {
  'listings of large events that are read': {
    requests: () => [requestBytes('GET', '/admin/events?limit=1000')],
    reads: true,
  },
  'listings of large events, ten ahead, that nobody reads': {
    requests: () => Array.from({ length: 10 }, () => requestBytes('GET', '/admin/events?limit=1')),
    reads: false,
  },
  'large commands that are accepted for later': {
    requests: (number) => [command(ordered(`later-${number}`), 'Prefer: respond-async\r\n')],
    reads: true,
  },
  'large commands that are waited for': {
    requests: (number) => [command(ordered(`now-${number}`))],
    reads: true,
  },
  'bodies that are nested half a million levels deep': {
    requests: () => [command(nested)],
    reads: true,
  },
  'bodies with tens of thousands of faulty lines': {
    requests: () => [command(faulty)],
    reads: true,
  },
}

const chosen = Object.entries(attacks).slice(0, everyPoint ? undefined : 1)
const hasProc = existsSync('/proc/self/clear_refs')
const note = hasProc ? '' : ' (not run here: memory is read from /proc)'

test.runIf(hasProc).each(chosen)(
  `480 clients with %s leave a server below ${peakMibMax} MiB${note}`,
  async (name, chosenAttack) => {
    const dataFolder = temporaryFolder()
    try {
      // The limit per client stays as it is where it is not set.
      await using server = await startServer({ dataFolder, environment: { RAMPART_RATE_PER_SECOND: '5000' } })
      for (let number = 0; number < 10; number++)
        expect((await place(server.base, `before-${number}`, { lines: 1900 })).status).toBe(200)
      const effect = await attack(server, chosenAttack, everyPoint ? 20_000 : 3000)
      expect(effect.peakMib).toBeLessThan(peakMibMax)
      expect((await ask(`${server.base}/readyz`)).status).toBe(200)
      if (everyPoint) console.log(`${name}: peak ${effect.peakMib} MiB, health ${effect.healthMs} ms at most`)
    } finally {
      rmSync(dataFolder, { recursive: true })
    }
  },
)
