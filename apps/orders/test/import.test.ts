// The importer as a process of its own, against a gateway that is there, busy dying, or absent.
import { copyFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
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
} from './server.ts'

const samplePath = join(import.meta.dirname, '../sample/online-retail.csv')
const counts = 'placed 297\nreturned 33\nrefused 2\n  QUANTITY_NOT_POSITIVE 2\n'
const folder = temporaryFolder()
afterAll(() => folder.remove())

test('has one effect when it is killed and run again, and the read models agree to the penny', async () => {
  await using server = await startOrders(join(folder.path, 'killed'))
  const { base } = server
  const killed = runImporter([samplePath, '--base', base])
  await until(async () => Object((await ask(`${base}/admin/events?limit=1`)).body).head > 50)
  killed.kill('SIGKILL')
  expect(await killed.exited).toBeNull()
  const before = await readLog(base)
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
}, 60_000)

test('goes on when the gateway is killed and comes back', async () => {
  const data = join(folder.path, 'gateway')
  const first = await startOrders(data)
  const port = new URL(first.base).port
  const importer = runImporter([samplePath, '--base', first.base])
  await until(async () => Object((await ask(`${first.base}/admin/events?limit=1`)).body).head > 50)
  first.process.kill('SIGKILL')
  await first.process.exited
  await using second = await startOrders(data, { PORT: port })
  expect(await importer.exited).toBe(0)
  expect(importer.stdout()).toBe(counts)
  expect(await readLog(second.base)).toHaveLength(330)
}, 60_000)

test('finds a file in the folder of its caller', async () => {
  await using server = await startOrders(join(folder.path, 'relative'))
  mkdirSync(join(folder.path, 'here'))
  copyFileSync(samplePath, join(folder.path, 'here', 'orders.csv'))
  const args = ['run', '--silent', 'import:orders', '--', 'orders.csv', '--base', server.base]
  const importer = runNpm(args, { cwd: join(folder.path, 'here') })
  expect(await importer.exited).toBe(0)
  expect(importer.stdout()).toBe(counts)
}, 30_000)

test('fails with a clear message without a gateway, and without a file', async () => {
  const alone = runImporter([samplePath, '--base', 'http://127.0.0.1:1'])
  const fileless = runImporter([join(folder.path, 'absent.csv')])
  expect(await alone.exited).toBe(1)
  expect(alone.stderr()).toMatch(/The import failed: Gave up on http:\/\/127\.0\.0\.1:1 .* cannot be reached/)
  expect(alone.stdout()).toBe('')
  expect(await fileless.exited).toBe(1)
  expect(fileless.stderr()).toMatch(/The import failed: .*absent\.csv/)
}, 30_000)

test('explains itself when it is called wrongly', async () => {
  const wrong = [[], ['one.csv', 'two.csv'], ['one.csv', '--base', 'nowhere'], ['one.csv', '--speed', '9']]
  for (const args of wrong) {
    const importer = runImporter(args)
    expect(await importer.exited).toBe(2)
    expect(importer.stderr()).toMatch(/Usage: npm run import:orders/)
  }
}, 30_000)
