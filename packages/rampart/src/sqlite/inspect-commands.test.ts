// Listing commands: also those in files of older versions, and not in those of newer ones.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, expect, test } from 'vitest'
import { inspectCommands } from './index.ts'
import { writeSchema } from './writer-service.ts'

const folder = mkdtempSync(join(tmpdir(), 'rampart-inspect-commands-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function storeOf(step: number): string {
  const file = join(folder, `${step}.sqlite`)
  const database = new DatabaseSync(file)
  for (const sql of writeSchema.steps.slice(0, step)) database.exec(sql)
  database.exec(`
    PRAGMA application_id = ${writeSchema.applicationId};
    PRAGMA user_version = ${step};
    INSERT INTO logs VALUES (1, 'default/shop/0');
    INSERT INTO inbox (
      log, command_id, fingerprint, decider, stream_id, type, data, received_at_ms, attempts,
      lease_until_ms, due_at_ms
    ) VALUES (1, 'one', 'f', 'order', 'a', 'Pay', '{}', 1, 0, 0, 0);
    INSERT INTO dead_letters (
      log, command_id, fingerprint, decider, stream_id, type, data, received_at_ms, attempts,
      cause, buried_at_ms
    ) VALUES (1, 'two', 'f', 'order', 'a', 'Pay', '{}', 1, 5, 'no rate', 2);`)
  database.close()
  return file
}

test.each(writeSchema.steps.map((_, index) => index + 1))('lists those of a file with schema %i', (step) => {
  const listed = inspectCommands({ file: storeOf(step), nowMs: 10, limit: 10 })
  expect(listed).toMatchObject([
    { state: 'received', commandId: 'one', cause: null },
    { state: 'failed', commandId: 'two', cause: 'no rate' },
  ])
})

test('says which version reads a file of a newer one', () => {
  const file = storeOf(writeSchema.steps.length + 1)
  expect(() => inspectCommands({ file, nowMs: 10, limit: 10 })).toThrow(
    expect.objectContaining({
      code: 'STORE_SCHEMA_NEWER',
      message: expect.stringMatching(/Run the version/),
    }),
  )
})
