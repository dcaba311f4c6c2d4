// A process for the lock tests: tries to open a store and says on stdout what came of it.
import { openSqliteStore } from '../index.ts'

const [, , file = ''] = process.argv
try {
  await using _store = await openSqliteStore({ file, thread: 'caller' })
  console.log(JSON.stringify({ code: 'OPENED' }))
} catch (error) {
  const { code, message }: { code?: string; message?: string } = error instanceof Error ? error : {}
  console.log(JSON.stringify({ code, message }))
}
