// Backups beside whoever writes, and restores that survive their death at every step.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, truncate, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, describe, expect, test } from 'vitest'
import { isRampartError, systemRuntime } from '../core/index.ts'
import { openStores } from '../host/stores.ts'
import { openFolder, textsOf } from './test/store-folder.ts'
import { backUp, restore, type CopyProgress } from './index.ts'

const root = await mkdtemp(join(tmpdir(), 'rampart-backup-'))
afterAll(() => rm(root, { recursive: true, force: true }))
let folders = 0
const newFolder = (): string => join(root, `folder-${++folders}`)

const count = (from: number, to: number): readonly number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index)

/** Data with three events, a backup of it, and two events more that the backup lacks. */
async function withLostFuture() {
  const [dataFolder, backup] = [newFolder(), newFolder()]
  await using open = await openFolder(dataFolder)
  const kept = [await open.append(1), await open.append(2), await open.append(3)]
  await open.project()
  await backUp({ dataFolder, to: backup })
  const lost = [await open.append(4), await open.append(5)]
  await open.project()
  return { dataFolder, backup, kept, lost }
}

async function faultOf(attempt: Promise<unknown>): Promise<{ readonly code: string; readonly text: string }> {
  const fault: unknown = await attempt.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (!isRampartError(fault)) throw new Error(`no fault of ours: ${String(fault)}`)
  return { code: fault.code, text: fault.message }
}

describe('a backup', () => {
  test('beside a flood holds all that was acknowledged before, and nothing with a gap', async () => {
    const [dataFolder, to] = [newFolder(), newFolder()]
    await using open = await openFolder(dataFolder, 'worker')
    let appended = 0
    const state = { isOver: false }
    const flood = Promise.all(
      count(1, 64).map(async (lane) => {
        for (let round = 0; !state.isOver; round++) {
          await open.append(lane + 64 * round)
          appended += 1
          if (lane === 1) await open.project()
        }
      }),
    )
    await expect.poll(() => appended).toBeGreaterThan(2000)
    const before = await open.log.head()
    const { apps } = await backUp({ dataFolder, to })
    const after = await open.log.head()
    state.isOver = true
    await flood
    const head = apps[0]?.logs[0]?.head ?? before
    expect(apps[0]?.logs).toHaveLength(1)
    expect(head.position).toBeGreaterThanOrEqual(before.position)
    expect(head.position).toBeLessThanOrEqual(after.position)
    expect(await open.log.judge(head)).toBe('held')
    await using copy = await openFolder(to)
    expect(await textsOf(copy.log)).toEqual((await textsOf(open.log)).slice(0, head.position))
    const checkpoint = await copy.checkpoint()
    expect(checkpoint.position).toBeGreaterThan(0)
    expect(await copy.log.judge(checkpoint)).toBe('held')
  })

  test('says what is in it, last of all', async () => {
    const { backup } = await withLostFuture()
    const manifest = JSON.parse(await readFile(join(backup, 'manifest.json'), 'utf8'))
    expect(manifest).toMatchObject({
      format: 1,
      createdAt: expect.stringMatching(/^\d{4}-.*Z$/),
      apps: [
        {
          name: 'shop',
          files: [
            { name: 'reads.sqlite' },
            { name: 'write.sqlite', sha256: expect.stringMatching(/^\w{64}$/) },
          ],
          logs: [{ log: 'default/shop/0', head: { position: 3 } }],
        },
      ],
    })
    expect((await readdir(join(backup, 'shop'))).toSorted()).toEqual(['reads.sqlite', 'write.sqlite'])
  })

  test('into a folder that holds something, or of none that has a store, is refused', async () => {
    const { dataFolder, backup } = await withLostFuture()
    const again = await faultOf(backUp({ dataFolder, to: backup }))
    expect(again).toEqual({ code: 'INPUT_INVALID', text: expect.stringContaining('holds a backup already') })
    await unlink(join(backup, 'manifest.json'))
    const unfinished = await faultOf(backUp({ dataFolder, to: backup }))
    expect(unfinished.text).toContain('may hold a backup that was never finished')
    const nothing = await faultOf(backUp({ dataFolder: newFolder(), to: newFolder() }))
    expect(nothing).toEqual({ code: 'INPUT_INVALID', text: expect.stringContaining('no store of an app') })
  })

  test('to where no folder can be made says so in a sentence', async () => {
    const { dataFolder } = await withLostFuture()
    const file = newFolder()
    await writeFile(file, '')
    const fault = await faultOf(backUp({ dataFolder, to: join(file, 'below') }))
    expect(fault).toEqual({ code: 'STORE_UNAVAILABLE', text: expect.stringMatching(/could not be handled/) })
  })

  test.runIf(process.platform === 'linux')('to where the system makes no folder does not hang', async () => {
    const { dataFolder } = await withLostFuture()
    const fault = await faultOf(backUp({ dataFolder, to: '/proc/rampart/backup' }))
    expect(fault.text).toMatch(/could not be handled: .*mkdir '\/proc\/rampart'/)
  })

  test('of a file that has no tables, or is no store, says so', async () => {
    const { dataFolder } = await withLostFuture()
    const file = join(dataFolder, 'shop', 'write.sqlite')
    await Promise.all(['-wal', '-shm'].map((ending) => rm(`${file}${ending}`, { force: true })))
    await truncate(file)
    const empty = await faultOf(backUp({ dataFolder, to: newFolder() }))
    expect(empty).toEqual({ code: 'STORE_UNAVAILABLE', text: expect.stringMatching(/has no tables yet/) })
    const foreign = new DatabaseSync(file)
    foreign.exec('CREATE TABLE guests (name text)')
    foreign.close()
    const other = await faultOf(backUp({ dataFolder, to: newFolder() }))
    expect(other.text).toMatch(/holds something else than this kind of store/)
  })

  test('that fails leaves nothing of it, and the next one may go to the same place', async () => {
    const { dataFolder } = await withLostFuture()
    const onProgress = ({ what }: CopyProgress): void => {
      if (what.endsWith('write.sqlite')) throw new Error('no more')
    }
    const [fresh, empty] = [join(newFolder(), 'new'), newFolder()]
    await mkdir(empty)
    for (const to of [fresh, empty])
      await expect(backUp({ dataFolder, to, onProgress })).rejects.toThrow('no more')
    expect([existsSync(fresh), await readdir(empty)]).toEqual([false, []])
    for (const to of [fresh, empty]) expect((await backUp({ dataFolder, to })).apps).toHaveLength(1)
    expect((await readdir(empty)).toSorted()).toEqual(['manifest.json', 'shop'])
  })

  test('of a file that cannot be read leaves nothing, either', async () => {
    const { dataFolder } = await withLostFuture()
    await writeFile(join(dataFolder, 'shop', 'write.sqlite'), 'this is no database, however long one looks')
    const to = newFolder()
    expect((await faultOf(backUp({ dataFolder, to }))).code).toBe('STORE_UNAVAILABLE')
    expect(existsSync(to)).toBe(false)
  })

  test('leaves what others have put into its place alone', async () => {
    const { dataFolder } = await withLostFuture()
    const to = newFolder()
    await mkdir(to)
    await writeFile(join(to, 'unfinished-backup.json'), '{}')
    const other = await faultOf(backUp({ dataFolder, to }))
    expect(other.text).toContain(`a process is making it just now, remove it: rm -r '${to}'`)
    expect(await readdir(to)).toEqual(['unfinished-backup.json'])
  })

  test.runIf(process.platform === 'linux')('to a disk that can only be read says so', async () => {
    const { dataFolder } = await withLostFuture()
    const fault = await faultOf(backUp({ dataFolder, to: '/sys/rampart' }))
    expect(fault).toEqual({
      code: 'STORE_UNAVAILABLE',
      text: expect.stringMatching(/mkdir '\/sys\/rampart'/),
    })
  })

  test('within the data is no app of them, be it finished or not', async () => {
    const { dataFolder } = await withLostFuture()
    const [monday, tuesday, wednesday] = ['monday', 'tuesday', 'wednesday'].map((day) =>
      join(dataFolder, day),
    )
    const names = async (to = ''): Promise<readonly string[]> =>
      (await backUp({ dataFolder, to })).apps.map(({ name }) => name)
    expect(await names(monday)).toEqual(['shop'])
    await writeFile(join(monday ?? '', 'unfinished-backup.json'), '{}')
    expect(await names(tuesday)).toEqual(['shop'])
    expect((await restore({ from: tuesday ?? '', dataFolder })).apps).toHaveLength(1)
    expect(await names(wednesday)).toEqual(['shop'])
  })
})

describe('a restore', () => {
  test('brings back what was there, in an epoch that knows the lost future', async () => {
    const { dataFolder, backup, kept, lost } = await withLostFuture()
    const restored = await restore({ from: backup, dataFolder })
    const aside = restored.apps[0]?.aside ?? ''
    expect(aside).toMatch(/shop\/before-restore-\d{8}T\d{6}Z$/)
    expect((await readdir(aside)).filter((name) => name.endsWith('.sqlite'))).toHaveLength(2)
    await using open = await openFolder(dataFolder)
    expect(await textsOf(open.log)).toEqual(['1', '2', '3'])
    const judged = await Promise.all([...kept, ...lost].map((place) => open.log.judge(place)))
    expect(judged).toEqual(['held', 'held', 'held', 'forked', 'forked'])
    expect(await open.log.judge(await open.checkpoint())).toBe('held')
    // The first answer for what was restored, and a first time for what was lost.
    expect((await open.append(2)).position).toBe(2)
    expect((await open.append(5)).position).toBe(4)
    expect((await open.log.epochs()).map(({ forkPosition }) => forkPosition)).toEqual([0, 3])
    expect(existsSync(join(dataFolder, 'shop', 'restoring'))).toBe(false)
  })

  test('into a folder without data makes it', async () => {
    const { backup } = await withLostFuture()
    const dataFolder = join(newFolder(), 'new')
    expect((await restore({ from: backup, dataFolder })).apps[0]?.aside).toBeNull()
    await using open = await openFolder(dataFolder)
    expect(await textsOf(open.log)).toEqual(['1', '2', '3'])
  })

  test('is refused while somebody has the data, and changes nothing', async () => {
    const { dataFolder, backup } = await withLostFuture()
    await using open = await openFolder(dataFolder)
    const fault = await faultOf(restore({ from: backup, dataFolder }))
    expect(fault).toEqual({ code: 'STORE_LOCKED', text: expect.stringContaining('is in use') })
    expect(await textsOf(open.log)).toHaveLength(5)
  })

  const damages: readonly (readonly [string, (backup: string) => Promise<unknown>, RegExp])[] = [
    ['without a manifest', (backup) => unlink(join(backup, 'manifest.json')), /has no manifest.json/],
    ['with half a manifest', (backup) => truncate(join(backup, 'manifest.json'), 100), /is damaged, or of/],
    ['of another format', (backup) => writeFile(join(backup, 'manifest.json'), '{"format":9}'), /newer/],
    ['with a file that is cut', (backup) => truncate(join(backup, 'shop/write.sqlite'), 8192), /was changed/],
    ['with a file that is lost', (backup) => unlink(join(backup, 'shop/reads.sqlite')), /or lost since/],
    [
      'with one byte changed',
      (backup) => flip(join(backup, 'shop/write.sqlite')),
      /write.sqlite is not what/,
    ],
  ]
  async function flip(file: string): Promise<void> {
    const bytes = await readFile(file)
    bytes[bytes.length - 100] = (bytes[bytes.length - 100] ?? 0) ^ 1
    await writeFile(file, bytes)
  }

  test.each(damages)('of a backup %s is refused, and changes nothing', async (_, damage, sentence) => {
    const { dataFolder, backup } = await withLostFuture()
    await damage(backup)
    const fault = await faultOf(restore({ from: backup, dataFolder }))
    expect(fault).toEqual({ code: 'BACKUP_INVALID', text: expect.stringMatching(sentence) })
    expect(existsSync(join(dataFolder, 'shop', 'restoring'))).toBe(false)
    await using open = await openFolder(dataFolder)
    expect(await textsOf(open.log)).toHaveLength(5)
  })

  test('from a folder that is not there is refused', async () => {
    const fault = await faultOf(restore({ from: newFolder(), dataFolder: newFolder() }))
    expect(fault).toEqual({ code: 'INPUT_INVALID', text: expect.stringContaining('There is no folder') })
  })
})

describe('a restore that dies', () => {
  async function stepsOf({ dataFolder, backup }: { dataFolder: string; backup: string }) {
    const steps: string[] = []
    await restore({ from: backup, dataFolder, onProgress: ({ what }) => steps.push(what) })
    return steps
  }

  /** What was there, or what the backup holds; never a mix of both. */
  async function requireRestoredByAnotherRun(dataFolder: string, backup: string): Promise<void> {
    const isUnfinished = existsSync(join(dataFolder, 'unfinished-restore.json'))
    const storage = { dataFolder }
    const opening = openStores({ appName: 'shop', storage, thread: 'caller', runtime: systemRuntime })
    const opened = opening.then(
      (stores) => stores.close().then(() => 'opened'),
      (fault: unknown) => (isRampartError(fault, 'STORE_UNAVAILABLE') ? fault.message : fault),
    )
    const backedUp = backUp({ dataFolder, to: newFolder() }).then(
      () => 'backed up',
      (fault: unknown) => (isRampartError(fault, 'STORE_UNAVAILABLE') ? fault.message : fault),
    )
    const refused = expect.stringContaining('was interrupted')
    expect([await opened, await backedUp]).toEqual(
      isUnfinished ? [refused, refused] : ['opened', 'backed up'],
    )
    const again = await restore({ from: backup, dataFolder })
    expect(again.wasUnfinished).toBe(isUnfinished)
    await using open = await openFolder(dataFolder)
    expect(await textsOf(open.log)).toEqual(['1', '2', '3'])
    expect((await open.checkpoint()).position).toBe(3)
    const left = await readdir(dataFolder, { recursive: true })
    expect(left.filter((name) => /unfinished|restoring/.test(name))).toEqual([])
    const old = left.find((name) => /before-restore-[^/]*\/write.sqlite$/.test(name)) ?? ''
    await cp(join(dataFolder, old, '..'), join(dataFolder, 'old', 'shop'), { recursive: true })
    await using before = await openFolder(join(dataFolder, 'old'))
    expect(await textsOf(before.log)).toHaveLength(5)
  }

  test('at any step is finished by another run, and what was there is kept', async () => {
    const example = await withLostFuture()
    const copies = newFolder()
    await cp(example.dataFolder, copies, { recursive: true })
    const steps = await stepsOf(example)
    expect(steps.length).toBeGreaterThan(8)
    for (const last of count(1, steps.length)) {
      const dataFolder = newFolder()
      await cp(copies, dataFolder, { recursive: true })
      let taken = 0
      const onProgress = (): void => {
        if (++taken === last) throw new Error('died')
      }
      await expect(restore({ from: example.backup, dataFolder, onProgress })).rejects.toThrow('died')
      await requireRestoredByAnotherRun(dataFolder, example.backup)
    }
  })

  test('by kill -9 is finished by another run, too', async () => {
    const example = await withLostFuture()
    const copies = newFolder()
    await cp(example.dataFolder, copies, { recursive: true })
    const steps = await stepsOf(example)
    const lasts = [
      'begins an epoch of shop',
      'moves shop/write.sqlite aside',
      'puts shop/write.sqlite in place',
    ]
    for (const what of lasts) {
      const dataFolder = newFolder()
      await cp(copies, dataFolder, { recursive: true })
      const script = fileURLToPath(new URL('./test/killed-restore.ts', import.meta.url))
      const last = String(steps.indexOf(what) + 1)
      const parts = ['--conditions=rampart-source', script, example.backup, dataFolder, last]
      const killed = promisify(execFile)(process.execPath, parts)
      await expect(killed).rejects.toMatchObject({ signal: 'SIGKILL' })
      await requireRestoredByAnotherRun(dataFolder, example.backup)
    }
  })

  test('is not mixed with the restore of another backup', async () => {
    const { dataFolder, backup } = await withLostFuture()
    const other = await withLostFuture()
    const onProgress = ({ what }: CopyProgress): void => {
      if (what.startsWith('puts')) throw new Error('died')
    }
    await expect(restore({ from: backup, dataFolder, onProgress })).rejects.toThrow('died')
    const fault = await faultOf(restore({ from: other.backup, dataFolder }))
    expect(fault.text).toContain(`The restore of ${backup} was interrupted`)
    expect((await restore({ from: backup, dataFolder })).wasUnfinished).toBe(true)
  })
})

test('a backup that was restored and grown can be backed up and restored again', async () => {
  const { dataFolder, backup } = await withLostFuture()
  await restore({ from: backup, dataFolder })
  const second = newFolder()
  {
    await using open = await openFolder(dataFolder)
    await open.append(6)
    await mkdir(second)
    await backUp({ dataFolder, to: second })
    await open.append(7)
  }
  await restore({ from: second, dataFolder })
  await using open = await openFolder(dataFolder)
  expect(await textsOf(open.log)).toEqual(['1', '2', '3', '6'])
  expect((await open.log.epochs()).map(({ forkPosition }) => forkPosition)).toEqual([0, 3, 4])
})
