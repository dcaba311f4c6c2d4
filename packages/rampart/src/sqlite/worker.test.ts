// Proves the worker mechanism: order, faults, a failed start, a death, and an end.
import { expect, test } from 'vitest'
import { startWorker, type WorkerService } from './worker.ts'

type Probe = WorkerService<string, unknown, unknown>

function startProbe(init: { failAs?: string } = {}): Promise<Probe> {
  const module = new URL('./test/probe-service.ts', import.meta.url)
  return startWorker({ module, name: 'the probe', init })
}

test('answers calls in their order, and moves what is transferred', async () => {
  const probe = await startProbe()
  expect(probe.ready).toBe('probe open')
  const bytes = new Uint8Array([1, 2, 3])
  const moved = probe.call({ echo: bytes }, [bytes.buffer])
  const answers = await Promise.all([moved, probe.call({ echo: 'b' }), probe.call({ echo: 3 })])
  expect(answers).toEqual([new Uint8Array([1, 2, 3]), 'b', 3])
  expect(bytes.length).toBe(0)
  await probe.close()
})

test('rejects a call with the fault that the service threw, and goes on', async () => {
  const probe = await startProbe()
  const refused = await probe.call({ fail: 'STORE_FULL' }).catch((error: unknown) => error)
  expect(refused).toMatchObject({ name: 'RampartError', code: 'STORE_FULL', details: { planted: true } })
  expect(await probe.call({ echo: 'still here' })).toBe('still here')
  await probe.close()
})

test('rejects a start with the fault that opening threw', async () => {
  await expect(startProbe({ failAs: 'STORE_LOCKED' })).rejects.toMatchObject({ code: 'STORE_LOCKED' })
})

test('rejects a start whose module cannot be loaded', async () => {
  const module = new URL('./test/absent-service.ts', import.meta.url)
  await expect(startWorker({ module, name: 'the absent one', init: null })).rejects.toThrow(/absent-service/)
})

test('says that the outcome is unknown when the worker dies with calls in flight', async () => {
  const probe = await startProbe()
  const lost = await probe.call({ die: true }).catch((error: unknown) => error)
  expect(lost).toMatchObject({ code: 'OUTCOME_UNKNOWN', effect: 'unknown' })
  expect(probe.fault()).toMatch(/the probe is gone/)
  await expect(probe.call({ echo: 1 })).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
})

test('answers what was asked before it closes, and refuses what comes after', async () => {
  const probe = await startProbe()
  const asked = probe.call({ echo: 'before' })
  const closed = probe.close()
  await expect(probe.call({ echo: 'after' })).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
  expect(await asked).toBe('before')
  await closed
})
