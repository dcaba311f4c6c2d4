// `npm start` as a newcomer types it: both apps, the sample on the first start, and a clean end.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { orders } from '../src/context.ts'
import { expectedOf } from './expected.ts'
import { foldFromNothing } from './fold.ts'
import {
  ask,
  readLog,
  readModel,
  runNpm,
  startAll,
  startOrders,
  statusOf,
  temporaryFolder,
  until,
  untilCaughtUp,
  type Server,
} from './server.ts'

const samplePath = join(import.meta.dirname, '../sample/online-retail.csv')
const folder = temporaryFolder()
afterAll(() => folder.remove())

/** Sends SIGTERM to npm, as a service manager does, and returns npm's exit code. */
async function endByNpm({ process, base }: Server): Promise<number | null> {
  process.kill('SIGTERM')
  const code = await process.exited
  expect(await statusOf(`${base}/healthz`)).toBeUndefined()
  return code
}

test('serves the sample on the first start, ends cleanly, and imports nothing later', async () => {
  await using first = await startAll(folder.path)
  const app = `${first.base}/orders`
  expect(await statusOf(`${first.base}/calculator/openapi.json`)).toBe(200)
  const expected = expectedOf(samplePath)
  const accepted = expected.placed + expected.returned
  await untilCaughtUp(first, app, accepted)
  const log = await readLog(app)
  expect(log).toHaveLength(accepted)
  for (const projection of orders.projections) {
    const documents = await readModel(app, projection.name)
    expect(documents).toEqual(foldFromNothing(projection, log))
    expect(documents).toEqual(expected.documents[projection.name])
  }
  expect(await endByNpm(first)).toBe(0)

  await using second = await startAll(folder.path)
  const again = `${second.base}/orders`
  // An import of the same file over HTTP finds every invoice decided, and counts the same outcomes.
  const importer = runNpm(['run', '--silent', 'import:orders', '--', samplePath, '--base', second.base])
  expect(await importer.exited).toBe(0)
  expect(importer.stdout()).toBe('placed 297\nreturned 33\nrefused 2\n  QUANTITY_NOT_POSITIVE 2\n')
  expect(await readLog(again)).toEqual(log)
  expect(second.process.stderr()).not.toMatch(/sample orders/)
  expect(await endByNpm(second)).toBe(0)
})

/** Starts an app on an empty folder, and kills it before its sample is whole. */
async function killInSample(dataFolder: string): Promise<Server> {
  for (let attempt = 1; ; attempt += 1) {
    const killed = await startOrders(dataFolder, { RAMPART_SAMPLE: undefined })
    await until(async () => Object((await ask(`${killed.base}/admin/events?limit=1`)).body).head > 20)
    killed.process.kill('SIGKILL')
    await killed.process.exited
    // Where this test is slow to look the sample may be whole, and the kill would prove nothing.
    if (!/sample orders: placed/.test(killed.process.stderr()) || attempt === 10) return killed
    rmSync(dataFolder, { recursive: true })
  }
}

test('goes on with the sample after a kill in the middle of it', async () => {
  const own = temporaryFolder()
  try {
    const killed = await killInSample(own.path)
    await using resumed = await startOrders(own.path, { RAMPART_SAMPLE: undefined })
    await untilCaughtUp(resumed, resumed.base, 330)
    expect(await readLog(resumed.base)).toHaveLength(330)
    // The first start did not come to its end, or this test proves nothing.
    expect(killed.process.stderr()).not.toMatch(/sample orders: placed/)
    await until(async () => /sample orders: placed 297/.test(resumed.process.stderr()))
  } finally {
    own.remove()
  }
})
