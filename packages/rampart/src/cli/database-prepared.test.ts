// `rampart doctor` over prepared transactions, which hold their locks although no session has them any more.
import { afterAll, expect, test } from 'vitest'
import { connectSql, runSql } from '../postgres/test/server.ts'
import { count, openDatabases } from './test/databases.ts'
import { rampart } from './test/run-rampart.ts'

const databases = await openDatabases()
afterAll(() => databases[Symbol.asyncDispose]())

test('doctor names a prepared transaction that holds the log, its age, and what ends it', async () => {
  const url = await databases.create()
  await using host = await databases.serve(url)
  expect((await count(host, 'a')).status).toBe(200)
  const doctor = async () => {
    const { code, stdout } = await rampart('doctor', '--store', url)
    return [code, stdout.replaceAll(/for \d+ s/g, 'for N s')]
  }
  {
    await using other = await connectSql(url)
    for (const statement of [
      'BEGIN',
      'SELECT 1',
      "PREPARE TRANSACTION 'idle'",
      'BEGIN',
      'SELECT pg_advisory_xact_lock(1380012368, 1)',
      "PREPARE TRANSACTION 'it''s'",
    ]) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await other.run(statement)
    }
  }
  const answer = count(host, 'b')
  await expect
    .poll(doctor, { timeout: 20_000 })
    .toEqual([
      1,
      expect.stringMatching(
        "^! The prepared transaction 'it''s' \\(user postgres, prepared for N s\\) " +
          'holds the log counter:\\S+, and 1 other session waits\\.\n' +
          '  No session has it any more\\. End it in this database, as postgres or a superuser: ' +
          "ROLLBACK PREPARED 'it''s', or COMMIT PREPARED, if it is known what it did\\.\n",
      ),
    ])
  expect((await doctor())[1]).not.toContain("'idle'")
  await runSql(url, "ROLLBACK PREPARED 'it''s'")
  expect((await answer).status).toBe(200)
  await runSql(url, "ROLLBACK PREPARED 'idle'")
  await expect.poll(async () => (await doctor())[0]).toBe(0)
})
