// `rampart verify` over stores that somebody changed, or that cannot be read.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, describe, expect, test } from 'vitest'
import { openApp } from '../host/index.ts'
import counter from './test/fixtures/counter/src/app.ts'
import { rampart } from './test/run-rampart.ts'

const module = join(import.meta.dirname, 'test/fixtures/counter/src/app.ts')
const folder = await mkdtemp(join(tmpdir(), 'rampart-verify-damage-'))
afterAll(() => rm(folder, { recursive: true, force: true }))

let stores = 0

/** A folder of data in which 12 events of 3 streams stand, changed by what `sql` does to one of its files. */
async function changed(sql: string, file = 'write.sqlite'): Promise<string> {
  const data = join(folder, `data-${stores++}`)
  {
    await using running = await openApp(counter, { dataFolder: data })
    const send = (index: number) => running.stream('counter', `s${index % 3}`).Count({ by: 1 })
    const answers = await Promise.all(Array.from({ length: 12 }, (_, index) => send(index)))
    for (const answer of answers) await running.read('totals').get('s0', { after: answer })
  }
  const database = new DatabaseSync(join(data, 'counter', file))
  database.exec(sql)
  database.close()
  return data
}

/** What a verification says of a folder of data: how it ends, and each finding as code and words. */
async function verify(data: string) {
  const { code, stdout } = await rampart('verify', '--data', data, '--json', module)
  const { findings } = JSON.parse(stdout)
  return { code, found: findings.map((one: Record<string, string>) => `${one['code']}: ${one['what']}`) }
}

test('finds nothing in a store that nobody touched', async () => {
  expect(await verify(await changed('SELECT 1'))).toEqual({ code: 0, found: [] })
})

describe('finds rows that no log has', () => {
  const insertAt = (place: string): string => `
    CREATE TEMP TABLE one AS SELECT * FROM events WHERE place = (1 << 43) + 12;
    UPDATE one SET place = ${place}, version = 5, append_id = 'other', command_key = NULL;
    INSERT INTO events SELECT * FROM one;`
  const said = (log: number): string =>
    `ROW_MISPLACED: the table events has 1 row outside all logs, at log number ${log}`

  test.each([
    ['before all logs', '5', 0],
    ['at a negative place', '-5', -1],
    ['at position 0', '1 << 43', 1],
    ['behind all logs', '(7 << 43) + 1', 7],
    ['at the last place of all', '9223372036854775807', 1048575],
  ])('an event %s', async (_, place, log) => {
    const { code, found } = await verify(await changed(insertAt(place)))
    expect(code).toBe(1)
    expect(found).toContain(said(log))
  })

  test('an event in another log than its stream', async () => {
    const sql = `INSERT INTO logs VALUES (2, 'default/other/0'); ${insertAt('(2 << 43) + 1')}`
    const { found } = await verify(await changed(sql))
    expect(found).toContain('ROW_MISPLACED: its stream belongs to another log')
  })

  test('all rows of a log that was deleted', async () => {
    expect(await verify(await changed('DELETE FROM logs'))).toEqual({
      code: 1,
      found: [
        'ROW_MISPLACED: the table events has 12 rows outside all logs, at log number 1',
        'ROW_MISPLACED: the table seals has 1 row outside all logs, at log number 1',
        'ROW_MISPLACED: the table streams has 3 rows outside all logs, at log number 1',
        'ROW_MISPLACED: the table epochs has 1 row outside all logs, at log number 1',
      ],
    })
  })
})
