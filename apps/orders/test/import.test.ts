// The importer as a process of its own, against a gateway that is there, busy dying, or absent.
import { copyFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Recorded } from 'rampart'
import { afterAll, expect, test } from 'vitest'
import { freePort } from '../../../test/programs/free-port.ts'
import { orders } from '../src/context.ts'
import { expectedOf } from './expected.ts'
import { foldFromNothing } from './fold.ts'
import {
  ask,
  readLog,
  readModel,
  runImporter,
  runNpm,
  startOrders,
  temporaryFolder,
  until,
  untilCaughtUp,
  type Server,
} from './server.ts'

const samplePath = join(import.meta.dirname, '../sample/online-retail.csv')
const counts = 'placed 297\nreturned 33\nrefused 2\n  QUANTITY_NOT_POSITIVE 2\n'
const folder = temporaryFolder()
afterAll(() => folder.remove())

/** A server and what is in its log after an import that was killed in the middle. */
async function startHalfImported(): Promise<{
  readonly server: Server
  readonly before: readonly Recorded[]
}> {
  for (let attempt = 1; ; attempt += 1) {
    const server = await startOrders(join(folder.path, `killed-${attempt}`))
    const importer = runImporter([samplePath, '--base', server.base])
    await until(async () => Object((await ask(`${server.base}/admin/events?limit=1`)).body).head > 50)
    importer.kill('SIGKILL')
    const code = await importer.exited
    const before = await readLog(server.base)
    // Where this test is slow to look the import may be over, and its kill would prove nothing.
    if ((code === null && before.length < 330) || attempt === 10) return { server, before }
    await server[Symbol.asyncDispose]()
  }
}

test('has one effect when it is killed and run again, and the read models agree to the penny', async () => {
  const { server: started, before } = await startHalfImported()
  await using server = started
  const { base } = server
  expect(before.length).toBeLessThan(330)
  for (let times = 0; times < 2; times += 1) {
    const importer = runImporter([samplePath, '--base', base])
    expect(await importer.exited).toBe(0)
    expect(importer.stdout()).toBe(counts)
    expect(importer.stderr()).toMatch(/import: 332 of 332 invoices/)
  }
  const log = await readLog(base)
  expect(log).toHaveLength(330)
  expect(log.slice(0, before.length)).toEqual(before)
  await untilCaughtUp(server, base, 330)
  const expected = expectedOf(samplePath)
  for (const projection of orders.projections) {
    const documents = await readModel(base, projection.name)
    expect(documents).toEqual(foldFromNothing(projection, log))
    expect(documents).toEqual(expected.documents[projection.name])
  }
})

test('goes on when the gateway is killed and comes back', async () => {
  const data = join(folder.path, 'gateway')
  const port = String(await freePort())
  const first = await startOrders(data, { PORT: port })
  const importer = runImporter([samplePath, '--base', first.base])
  await until(async () => Object((await ask(`${first.base}/admin/events?limit=1`)).body).head > 50)
  first.process.kill('SIGKILL')
  await first.process.exited
  await using second = await startOrders(data, { PORT: port })
  expect(await importer.exited).toBe(0)
  expect(importer.stdout()).toBe(counts)
  expect(await readLog(second.base)).toHaveLength(330)
})

test('finds a file in the folder of its caller', async () => {
  await using server = await startOrders(join(folder.path, 'relative'))
  mkdirSync(join(folder.path, 'here'))
  copyFileSync(samplePath, join(folder.path, 'here', 'orders.csv'))
  const args = ['run', '--silent', 'import:orders', '--', 'orders.csv', '--base', server.base]
  const importer = runNpm(args, { cwd: join(folder.path, 'here') })
  expect(await importer.exited).toBe(0)
  expect(importer.stdout()).toBe(counts)
})

test('fails with a clear message without a gateway, and without a file', async () => {
  const alone = runImporter([samplePath, '--base', 'http://127.0.0.1:1'])
  const fileless = runImporter([join(folder.path, 'absent.csv')])
  expect(await alone.exited).toBe(1)
  expect(alone.stderr()).toMatch(/The import failed: Gave up on http:\/\/127\.0\.0\.1:1 .* cannot be reached/)
  expect(alone.stdout()).toBe('')
  expect(await fileless.exited).toBe(1)
  expect(fileless.stderr()).toMatch(/The import failed: .*absent\.csv/)
})

test('explains itself when it is called wrongly', async () => {
  const wrong = [[], ['one.csv', 'two.csv'], ['one.csv', '--base', 'nowhere'], ['one.csv', '--speed', '9']]
  for (const args of wrong) {
    const importer = runImporter(args)
    expect(await importer.exited).toBe(2)
    expect(importer.stderr()).toMatch(/Usage: npm run import:orders/)
  }
})
