// Hundreds of readers of an event stream stop reading: they are cut off when too much waits for them, writers
// do not notice, and whoever comes back with the place it had reached misses nothing.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import type { Outcome } from './stalled-readers.ts'
import { everyPoint, ownNetwork } from './tools.ts'

const readers = everyPoint ? 500 : 100
const peakMibMax = 768
// A busy machine takes its time for a commit; who waited for such readers would wait until they are cut.
const slowestMsMax = 30_000

const program = join(import.meta.dirname, 'stalled-readers.ts')
const small = '4096 16384 32768'
const shrink = `cd /proc/sys/net/ipv4 && echo ${small} >tcp_wmem && echo ${small} >tcp_rmem`
const prepare = `ip link set lo up && ${shrink}`

test.runIf(ownNetwork.isMet)(
  `${readers} readers that stop reading hold up nobody, and resume${ownNetwork.note}`,
  { timeout: 150_000 },
  async () => {
    const node = `exec '${process.execPath}' --conditions=rampart-source '${program}'`
    const command = `${prepare} && ${node} ${readers} ${everyPoint ? 'all' : 'some'}`
    // Whatever happens here, the server ends with its namespace.
    const options = ['--net', '--pid', '--fork', '--kill-child', '--mount-proc', 'sh', '-c', command]
    const { stdout } = await promisify(execFile)('unshare', options, { timeout: 140_000 })
    const outcome: Outcome = JSON.parse(stdout)
    const { cut, peakMib, besideMs, missed, shown } = outcome
    expect(cut[0]).toBeGreaterThan(0)
    expect(cut[1]).toBeGreaterThanOrEqual(everyPoint ? readers : cut[0])
    expect(peakMib).toBeLessThan(peakMibMax)
    expect(besideMs).toBeLessThan(slowestMsMax)
    expect(missed).toHaveLength(10)
    expect(shown).toEqual(missed)
    if (everyPoint)
      console.log(`${readers} readers: ${JSON.stringify({ ...outcome, missed: 10, shown: 10 })}`)
  },
)
