// Holds the format of seals: these digests must never change, or all that was sealed would look edited.
import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { commandId, position, streamId, streamVersion } from '../codec/index.ts'
import {
  epochsUpTo,
  leafOf,
  marksOf,
  sealDigest,
  sealRangeOf,
  type SealedEvent,
  type Sha256,
} from './index.ts'

const sha256: Sha256 = (data) => createHash('sha256').update(data).digest('hex')

const sealed: SealedEvent = {
  record: {
    position: position(7),
    decider: 'account',
    streamId: streamId('ada'),
    version: streamVersion(2),
    type: 'MoneyDeposited',
    schemaVersion: 1,
    appendId: 'abc-1',
    appendIndex: 0,
    commandId: commandId('01234567-89ab-4cde-8f01-23456789abcd'),
    contentType: 'application/json',
    payload: new TextEncoder().encode('{"cents":5}'),
    tags: ['account:ada'],
    correlationId: 'c',
    causationId: null,
    actor: 'ada',
    dataSubjectId: null,
    keyId: null,
    recordedAtMs: 1_700_000_000_000,
  },
  outcome: { fingerprint: 'print', events: 1, version: 2, outcome: '{"ok":true}' },
}

test('a leaf is the digest of a text that anybody can write', () => {
  const payload = sha256('{"cents":5}')
  const text =
    '["account","ada",2,"MoneyDeposited",1,"abc-1",0,"01234567-89ab-4cde-8f01-23456789abcd",' +
    `"application/json","${payload}",["account:ada"],"c",null,"ada",null,null,1700000000000,` +
    '["print",1,2,"{\\"ok\\":true}"]]'
  expect(leafOf(sealed, sha256)).toBe(sha256(`\0${text}`))
})

test('a leaf depends on each member of the record but the position, and on the outcome', () => {
  const leaf = leafOf(sealed, sha256)
  const { record } = sealed
  const changed = Object.keys(record).filter((member) => {
    const value: unknown = Reflect.get(record, member)
    const other = value instanceof Uint8Array ? new Uint8Array(1) : Array.isArray(value) ? [] : 'another'
    return leafOf({ ...sealed, record: { ...record, [member]: other } }, sha256) !== leaf
  })
  expect(changed).toEqual(Object.keys(record).filter((member) => member !== 'position'))
  expect(leafOf({ ...sealed, outcome: null }, sha256)).not.toBe(leaf)
})

test('trees over the test vectors of certificate transparency have their roots', () => {
  // The inputs and the root of eight leaves that implementations of RFC 6962 test with.
  const inputs = [
    '',
    '00',
    '10',
    '2021',
    '3031',
    '40414243',
    '5051525354555657',
    '606162636465666768696a6b6c6d6e6f',
  ]
  const leaves = inputs.map((input) => sha256(Buffer.concat([Buffer.of(0), Buffer.from(input, 'hex')])))
  const roots = [
    '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
    'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
    'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
    'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
    '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
    'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
    '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
  ]
  for (const [index, root] of roots.entries()) {
    expect(sealRangeOf(position(1), leaves.slice(0, index + 1), sha256).root).toBe(root)
  }
})

test('a range tells its marks in order', () => {
  const leaves = ['a', 'b', 'c'].map((text) => sha256(text))
  const range = sealRangeOf(position(5), leaves, sha256)
  expect([range.first, range.last]).toEqual([5, 7])
  expect(marksOf(range)).toEqual(leaves.map((leaf) => leaf.slice(0, 8)))
})

const range = sealRangeOf(position(1), [leafOf(sealed, sha256)], sha256)
const seal = { ...range, number: 1, epoch: 'e', sealedAtMs: 5, previous: '0'.repeat(64) }
const epochs = [
  { epoch: 'd', forkPosition: position(0) },
  { epoch: 'e', forkPosition: position(1) },
]

test('the digest of a seal depends on its log, range, root, epochs and the seal before it', () => {
  const text = `["default/bank/0",1,1,1,"e","${range.root}",5,"${'0'.repeat(64)}",[["d",0],["e",1]]]`
  expect(sealDigest('default/bank/0', { ...seal, epochs }, sha256)).toBe(sha256(`\u0003${text}`))
  expect(sealDigest('default/shop/0', { ...seal, epochs }, sha256)).not.toBe(sha256(`\u0003${text}`))
})

test('a seal of the first format has the digest that it had, without the epochs', () => {
  const text = `["default/bank/0",1,1,1,"e","${range.root}",5,"${'0'.repeat(64)}"]`
  expect(sealDigest('default/bank/0', seal, sha256)).toBe(sha256(`\u0002${text}`))
})

test('a seal covers the epochs up to its own, and none of a log that does not know it', () => {
  const later = { epoch: 'f', forkPosition: position(4) }
  expect(epochsUpTo('e', [...epochs, later])).toEqual(epochs)
  expect(epochsUpTo('x', epochs)).toEqual([])
})
