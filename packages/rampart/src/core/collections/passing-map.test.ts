// What has passed through the map is free at once: nothing keeps it until a full garbage collection.
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { PassingMap } from './passing-map.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as (options: { readonly type: 'minor' }) => void

/** Bytes of what young collections have found to live long. */
function oldBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name: name }) => name === 'old_space')?.space_used_size ?? 0
}

test('keeps what was set and not deleted, however much has passed', () => {
  const map = new PassingMap<number, string>()
  for (let key = 0; key < 10_000; key++) {
    map.set(key, `value ${key}`)
    if (key >= 100) map.delete(key - 100)
  }
  expect(map.size).toBe(100)
  expect([...map.values()]).toEqual(Array.from({ length: 100 }, (_, index) => `value ${9900 + index}`))
  expect([map.get(9899), map.get(9900), map.get(10_000)]).toEqual([undefined, 'value 9900', undefined])
})

test('young collections free what has passed through a map that is old', () => {
  const map = new PassingMap<number, object>()
  map.set(-1, {})
  for (let times = 0; times < 4; times++) collect({ type: 'minor' })
  const before = oldBytes()
  for (let key = 0; key < 100_000; key++) {
    map.set(key, { held: Array.from({ length: 50 }, () => key) })
    if (key >= 100) map.delete(key - 100)
    if (key % 5000 === 0) collect({ type: 'minor' })
  }
  expect(oldBytes() - before).toBeLessThan(8 * 1024 * 1024)
})
