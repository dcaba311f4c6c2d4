// Settings of a host: what is taken, what is refused, and with which advice.
import { expect, test } from 'vitest'
import { readSettings } from './settings.ts'

test('unless said, a host listens on loopback and keeps its data below the caller', () => {
  expect(readSettings({ INIT_CWD: '/home/ada' })).toMatchObject({
    port: 3000,
    host: '127.0.0.1',
    dataFolder: '/home/ada/data',
    limits: { bodyBytesMax: 1_048_576, ratePerSecond: 5000, connectionsMax: 500 },
    outcomeTtlMs: 86_400_000,
  })
})

test('settings are read, and relative folders start from the caller', () => {
  const environment = {
    INIT_CWD: '/home/ada',
    PORT: '0',
    HOST: '::1',
    RAMPART_DATA: '../store',
    RAMPART_BODY_BYTES: '0',
    RAMPART_RATE_PER_SECOND: '0',
    RAMPART_CONNECTIONS: '7',
    RAMPART_STREAMS: '8',
    RAMPART_HEADER_BYTES: '2048',
    RAMPART_REQUEST_SECONDS: '3',
    RAMPART_OUTCOME_TTL_SECONDS: '5',
  }
  expect(readSettings(environment)).toMatchObject({
    port: 0,
    host: '::1',
    dataFolder: '/home/store',
    limits: {
      bodyBytesMax: 0,
      ratePerSecond: 0,
      connectionsMax: 7,
      streamsMax: 8,
      headerBytesMax: 2048,
      requestMs: 3000,
    },
    outcomeTtlMs: 5000,
  })
  expect(readSettings({ PORT: ' ', RAMPART_DATA: '' }).port).toBe(3000)
})

test.each([
  ['PORT', 'abc'],
  ['PORT', '65536'],
  ['PORT', '-1'],
  ['PORT', '1e3'],
  ['RAMPART_BODY_BYTES', '1 MB'],
  ['RAMPART_CONNECTIONS', '1.5'],
  ['RAMPART_RATE_PER_SECOND', 'off'],
  ['RAMPART_OUTCOME_TTL_SECONDS', '0'],
  ['RAMPART_HEADER_BYTES', '0'],
  ['RAMPART_REQUEST_SECONDS', '0.5'],
  ['HOST', '0.0.0.0'],
  ['HOST', '::'],
  ['HOST', '192.168.1.5'],
  ['HOST', 'example.com'],
])('%s may not be %s, and the fault says what it may be', (name, value) => {
  expect(() => readSettings({ [name]: value })).toThrow(
    expect.objectContaining({
      code: 'SETTING_INVALID',
      message: expect.stringMatching(`${name} is .*Set ${name}|Set it`),
    }),
  )
})

test('a process has all roles and files, unless roles and URLs are said', () => {
  const url = 'postgres://ada@db/shop'
  const [projector, reader] = ['postgres://projector@db/shop', 'postgres://reader@db/shop']
  expect(readSettings({}).roles).toEqual(new Set(['write', 'project', 'process', 'relay', 'serve']))
  expect(readSettings({})).not.toHaveProperty('storeUrls')
  expect(readSettings({ RAMPART_STORE: url }).storeUrls).toEqual({ write: url, project: url, serve: url })
  const own = { RAMPART_PROJECTOR_STORE: projector, RAMPART_READER_STORE: reader }
  const split = readSettings({ RAMPART_ROLES: 'project, serve', ...own })
  expect(split.roles).toEqual(new Set(['project', 'serve']))
  expect(split.storeUrls).toEqual({ project: projector, serve: reader, reader })
  const shared = readSettings({ RAMPART_ROLES: 'serve', RAMPART_STORE: url })
  expect(shared.storeUrls).toEqual({ serve: url })
})

test.each([
  [{ RAMPART_ROLES: 'writer' }, /is no role.*write/],
  [{ RAMPART_ROLES: 'write' }, /leaves project and serve to another process.*RAMPART_STORE/],
  [{ RAMPART_READER_STORE: 'postgres://db/shop' }, /The role write has no database.*RAMPART_STORE/],
  [{ RAMPART_ROLES: 'project', RAMPART_READER_STORE: 'postgres://db/shop' }, /RAMPART_PROJECTOR_STORE/],
  [{ RAMPART_PROJECTOR_STORE: 'shop' }, /RAMPART_PROJECTOR_STORE is not the URL.*for RAMPART_STORE/],
])('roles and URLs that do not fit each other are refused: %j', (environment, message) => {
  expect(() => readSettings(environment)).toThrow(message)
})
