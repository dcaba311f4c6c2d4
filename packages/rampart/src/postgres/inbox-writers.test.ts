// Accepted commands on PostgreSQL whose writer is gone, or could not give them back, while another one works.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemRuntime } from '../core/index.ts'
import { logKey, type EventStore, type WriteStore } from '../core/ports/index.ts'
import { createCommandService, type CommandService } from '../write/index.ts'
import { defaultInboxLimits } from '../write/inbox-limits.ts'
import { bank } from '../write/test/account.ts'
import { openPostgresStore } from './index.ts'
import { createDatabase, runSql, startPostgres, type PostgresServer } from './test/server.ts'

const streamId = '0190163d-8694-739b-aea5-966c26f8ad91'
const leaseMs = 1500

let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres(['fsync=off'])
})
afterAll(() => server[Symbol.asyncDispose]())

interface Writer extends AsyncDisposable {
  readonly store: WriteStore
  readonly log: EventStore
  readonly service: CommandService
}

async function openWriter(url: string): Promise<Writer> {
  const store = await openPostgresStore({ url })
  const log = await store.openLog(logKey('bank'))
  const limits = { inbox: { ...defaultInboxLimits, leaseMs } }
  const service = createCommandService({ context: bank, store: log, runtime: systemRuntime, limits })
  return {
    store,
    log,
    service,
    [Symbol.asyncDispose]: async () => {
      await service.drain()
      await store[Symbol.asyncDispose]()
    },
  }
}

describe('of writers on one database', () => {
  test('one takes over what the other had claimed when it was killed, once the lease runs out', async () => {
    const url = await createDatabase(server.url('postgres'), 'takeover')
    await using living = await openWriter(url)
    const sent = { type: 'Open', streamId, data: { owner: 'Ada' }, actor: null }
    const { commandId } = await living.service.send(sent, { mode: 'accept' })
    // Only an end without a kill gives back what was claimed.
    await using killed = await openPostgresStore({ url })
    const { inbox } = await killed.openLog(logKey('bank'))
    const nowMs = systemRuntime.nowMs()
    expect(await inbox.claim({ owner: 'killed', limit: 10, nowMs, leaseMs })).toHaveLength(1)
    living.service.start()
    const final = await living.service.finalStatus(commandId, AbortSignal.timeout(20_000))
    expect(final).toMatchObject({ status: 'succeeded', version: 1 })
    const tookMs = systemRuntime.nowMs() - nowMs
    expect(tookMs).toBeGreaterThanOrEqual(leaseMs)
    expect(tookMs).toBeLessThan(leaseMs + 1500)
  })

  test('one that cannot give a command back does so once it can, without an attempt', async () => {
    const url = await createDatabase(server.url('postgres'), 'release')
    await using writer = await openWriter(url)
    await runSql(
      url,
      `CREATE FUNCTION public.fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
         RAISE EXCEPTION 'injected' USING ERRCODE = '40001';
       END $$;
       CREATE TRIGGER fail_append BEFORE INSERT ON rampart_write.events
         FOR EACH STATEMENT EXECUTE FUNCTION public.fail();
       CREATE TRIGGER fail_release BEFORE UPDATE ON rampart_write.inbox
         FOR EACH ROW WHEN (NEW.owner IS NULL) EXECUTE FUNCTION public.fail()`,
    )
    const sent = { type: 'Open', streamId, data: { owner: 'Ada' }, actor: null }
    const { commandId } = await writer.service.send(sent, { mode: 'accept' })
    writer.service.start()
    const attempts = async () => (await writer.log.inbox.find(commandId))?.attempts
    // Its lease runs out while it is in hand, and it is claimed once more for that.
    await expect.poll(attempts, { timeout: 15_000 }).toBeGreaterThan(2)
    await runSql(url, 'DROP TRIGGER fail_release ON rampart_write.inbox')
    await expect.poll(attempts, { timeout: 15_000 }).toBe(0)
    await runSql(url, 'DROP TRIGGER fail_append ON rampart_write.events')
    const final = await writer.service.finalStatus(commandId, AbortSignal.timeout(20_000))
    expect(final).toMatchObject({ status: 'succeeded', version: 1 })
  })
})
