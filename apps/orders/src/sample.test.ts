// When the sample is imported and when it is left alone, with a host that only remembers what it was sent.
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Json } from 'rampart'
import { commandId, streamVersion, position } from 'rampart/codec'
import type { StartedApp } from 'rampart/host'
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import { importSample } from './sample.ts'

const folder = mkdtempSync(join(tmpdir(), 'rampart-sample-'))
const mark = join(folder, 'sample-import-unfinished')
afterAll(() => rmSync(folder, { recursive: true }))

let keys: string[]
let stop: AbortController
let sample: string | undefined
beforeEach(() => {
  keys = []
  stop = new AbortController()
  sample = process.env['RAMPART_SAMPLE']
  delete process.env['RAMPART_SAMPLE']
})
afterEach(() => {
  if (sample !== undefined) process.env['RAMPART_SAMPLE'] = sample
  else delete process.env['RAMPART_SAMPLE']
})

type Sent = { readonly key?: string; readonly streamId?: string; readonly data: Json }

/** A host whose store is empty until something was sent; it drains after so many commands, if told. */
function host(options: { readonly hasData?: boolean; readonly drainsAfter?: number } = {}): StartedApp {
  const { hasData = false, drainsAfter = Number.POSITIVE_INFINITY } = options
  return {
    dataFolder: folder,
    signal: stop.signal,
    isEmpty: async () => !hasData && keys.length === 0,
    async send({ key = '', streamId = '' }: Sent) {
      expect(existsSync(mark)).toBe(true)
      if (keys.length >= drainsAfter) stop.abort(new Error('The host drains.'))
      stop.signal.throwIfAborted()
      keys.push(key)
      return {
        status: 'succeeded',
        commandId: commandId('0197a5b2-0000-7000-8000-000000000001'),
        streamId,
        version: streamVersion(1),
        position: position(keys.length),
        log: '',
        place: { epoch: '', position: position(keys.length), eventId: '' },
      }
    },
  }
}

test('fills an empty store once, and leaves it alone later', async () => {
  await importSample(host())
  expect(keys).toHaveLength(332)
  expect(new Set(keys).size).toBe(332)
  expect(keys).toContain('import-536365')
  expect(existsSync(mark)).toBe(false)
  await importSample(host({ hasData: true }))
  expect(keys).toHaveLength(332)
})

test('leaves a store with other data alone', async () => {
  await importSample(host({ hasData: true }))
  expect(keys).toEqual([])
})

test('goes on at the next start when it was stopped in the middle', async () => {
  await importSample(host({ drainsAfter: 100 }))
  expect(keys).toHaveLength(100)
  expect(existsSync(mark)).toBe(true)
  keys = []
  stop = new AbortController()
  await importSample(host({ hasData: true }))
  expect(keys).toHaveLength(332)
  expect(existsSync(mark)).toBe(false)
})

test('does nothing when it is told so', async () => {
  process.env['RAMPART_SAMPLE'] = 'none'
  await importSample(host())
  expect(keys).toEqual([])
})
