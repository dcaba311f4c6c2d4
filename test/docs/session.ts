// Carries out a page as its reader would: saves its files, types its commands, watches what they print.
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { promisify } from 'node:util'
import { startPostgres, type PostgresServer } from '../../packages/rampart/src/postgres/test/server.ts'
import { freePort } from '../programs/free-port.ts'
import { differenceOf } from './answer.ts'
import { contentOf, programName, statesOf, workspaceRoot, type Block, type Page } from './page.ts'

const run = promisify(execFile)
const waitMs = 60_000

/**
 * What is typed in place of a command of a page, because the machine that tests has it already: the packages
 * stand in the workspace, from where they are linked.
 */
const standIns: readonly (readonly [RegExp, string])[] = [
  [/\bnpm ci && /g, ''],
  [/^npm ci$/gm, ''],
  [/^npm install .*$/gm, ''],
  [/^npm pack .*$/gm, ''],
  // Here the library's source is compiled, too; what counts are faults in the reader's own.
  [/\bnpx tsc\b/g, "! grep '^src/' <(tsc --customConditions rampart-source)"],
  [/\bnpx /g, ''],
]

/** Commands that serve until they are stopped; what follows is typed in another terminal. */
const serverPattern = /(^|\s)(rampart run|npm start)\b/

/** Commands that go on beside what follows. */
const backgroundPattern = /&$/

/** Where pages say that a database listens, and further servers of theirs. */
const databasePlace = '127.0.0.1:5432'
const furtherPorts = ['3001', '3002', '3003'] as const

/** A comment that tells the reader to end what serves. */
const stopPattern = /^# Stop the server\b/

/** A place in which the blocks of a page are carried out, one after the other. */
interface Session {
  readonly folder: string
  /** Where its server listens, which pages call 3000. */
  port: number
  readonly environment: NodeJS.ProcessEnv
  server: Server | undefined
  /** What pages write, and what stands there when it is typed. */
  readonly places: readonly (readonly [written: string, typed: string])[]
  readonly database: PostgresServer | undefined
  /** Process groups in which something may still run. */
  readonly background: ChildProcess[]
}

interface Server {
  readonly child: ChildProcess
  readonly output: () => string
  readonly exited: Promise<unknown>
}

/** Carries out a page. Throws at the first block that does not do what the page says, with its place. */
export async function carryOut(page: Page): Promise<void> {
  const session = await openSession(page)
  try {
    await carryOutBlocks(session, page)
  } finally {
    await stopServer(session)
    for (const child of session.background) endGroup(child, 'SIGKILL', true)
    await session.database?.[Symbol.asyncDispose]()
    await rm(session.folder, { recursive: true, force: true })
  }
}

async function openSession({ path, blocks }: Page): Promise<Session> {
  // Below the root, so that the packages that a page imports are found.
  const folder = await mkdtemp(join(workspaceRoot, 'test', '.shown-code-'))
  const modules = join(workspaceRoot, 'node_modules')
  await symlink(modules, join(folder, 'node_modules'))
  const { NODE_OPTIONS: _, FORCE_COLOR: _color, ...inherited } = process.env
  const environment = {
    ...inherited,
    PATH: `${join(modules, '.bin')}:${process.env['PATH']}`,
    NODE_OPTIONS: '--conditions=rampart-source',
    // Each of the many short programs would else compile the whole library once more.
    NODE_COMPILE_CACHE: join(modules, '.cache/shown-code'),
    INIT_CWD: '',
    NO_COLOR: '1',
    PORT: '0',
    RAMPART_DATA: join(folder, 'data'),
    SESSION: join(folder, '.session'),
  }
  // What README.md shows is typed in the workspace, everything else in a folder of the reader's own.
  const start = path === 'README.md' ? workspaceRoot : folder
  await writeFile(environment.SESSION, `cd '${start}'\n`)
  const isShown = (text: string): boolean =>
    blocks.some(({ leftOut, code }) => leftOut === undefined && code.includes(text))
  const database = isShown(databasePlace) ? await startPostgres(['fsync=off']) : undefined
  const ports = furtherPorts.filter(isShown)
  const free = await Promise.all(ports.map(freePort))
  const places = ports.map((port, index) => [port, String(free[index])] as const)
  const { host } = new URL(database?.url('postgres') ?? 'http://none')
  const all = database === undefined ? places : [[databasePlace, host] as const, ...places]
  return { folder, port: 0, environment, server: undefined, places: all, database, background: [] }
}

async function carryOutBlocks(session: Session, page: Page): Promise<void> {
  const expected: string[] = []
  let before: { readonly block: Block; readonly printed: () => string } | undefined
  for (const [index, block] of page.blocks.entries()) {
    if (block.leftOut !== undefined) continue
    const next = page.blocks[index + 1]
    if (block.file !== undefined) await save(session, block.file, block)
    else if (block.language === 'sh') before = { block, printed: await type(session, block, next) }
    else if (block.language === 'ts') before = undefined
    else if (before === undefined) expected.push(block.code)
    else compare(block, before.printed())
  }
  await runProgram(session, page, expected)
}

function compare({ place, language, code }: Block, printed: string): void {
  const difference = differenceOf(language, code, printed)
  if (difference !== undefined) throw new Error(`${place} is not what is printed.\n${difference}`)
}

async function save({ folder, environment }: Session, file: string, block: Block): Promise<void> {
  const path = join(await folderOf(environment['SESSION'] ?? folder), file)
  await mkdir(dirname(path), { recursive: true })
  const before = block.language === 'diff' ? await readFile(path, 'utf8') : ''
  await writeFile(path, contentOf(block, before))
}

/** Where the reader is, which the last line of the session says. */
async function folderOf(session: string): Promise<string> {
  const lines = (await readFile(session, 'utf8')).trimEnd().split('\n')
  return /^cd '(.*)'$/.exec(lines.at(-1) ?? '')?.[1] ?? ''
}

/** Runs the blocks without a file, which are one program. */
async function runProgram({ folder, environment }: Session, page: Page, expected: string[]): Promise<void> {
  const code = statesOf(page).at(-1)?.get(programName)
  if (code === undefined) return
  await writeFile(join(folder, programName), code)
  const { stdout } = await run('node', [programName], { cwd: folder, env: environment })
  const difference = differenceOf('text', expected.join(''), stdout)
  if (difference !== undefined)
    throw new Error(`The program of ${page.path} prints otherwise.\n${difference}`)
}

/** Types the commands of a block. What a server prints grows while it runs. */
async function type(session: Session, block: Block, next: Block | undefined): Promise<() => string> {
  const lines = typed(session, block.code).trim().split('\n')
  const last = lines.at(-1) ?? ''
  const serves = serverPattern.test(last) && !backgroundPattern.test(last)
  if (stopPattern.test(lines[0] ?? '')) await stopServer(session)
  const commands = (serves ? lines.slice(0, -1) : lines).join('\n')
  const isAnswered = next !== undefined && next.language !== 'sh' && next.language !== 'ts'
  if (/\bcurl .*-N\b/.test(commands)) return watch(session, block, isAnswered ? next : undefined)
  const printed = commands === '' ? '' : await inShell(session, block, { commands, isAnswered })
  if (!serves) return () => printed
  await startServer(session, block, lines.at(-1) ?? '')
  return () => shown(session, session.server?.output() ?? '')
}

function typed({ port, places }: Session, code: string): string {
  const installed = standIns.reduce((text, [pattern, instead]) => text.replaceAll(pattern, instead), code)
  const replaced = places.reduce((text, [written, real]) => text.replaceAll(written, real), installed)
  return replaced.replaceAll(/\b(localhost|127\.0\.0\.1):3000\b/g, `127.0.0.1:${port}`)
}

function shown({ port, folder, places }: Session, printed: string): string {
  const replaced = printed.replaceAll(`127.0.0.1:${port}`, '127.0.0.1:3000').replaceAll(folder, '/home/you')
  return places.reduce((text, [written, real]) => text.replaceAll(real, written), replaced)
}

// Variables and the folder outlive a block, as they do in a reader's terminal. An error that a page does not
// show must not pass for success.
function scriptOf(commands: string, isAnswered: boolean): string {
  return [
    'set -eo pipefail',
    '. "$SESSION"',
    `keep() { export -p; echo "cd '$PWD'"; }`,
    `trap 'code=$?; keep > "$SESSION.new"; mv "$SESSION.new" "$SESSION"; exit $code' EXIT`,
    `curl() { command curl -sS ${isAnswered ? '' : '--fail-with-body'} "$@"; }`,
    commands,
  ].join('\n')
}

async function inShell(
  session: Session,
  block: Block,
  { commands, isAnswered }: { readonly commands: string; readonly isAnswered: boolean },
): Promise<string> {
  const { child, output } = startShell(session, scriptOf(commands, isAnswered))
  if (commands.split('\n').some((line) => backgroundPattern.test(line))) session.background.push(child)
  const ended = once(child, 'close')
  const over = new AbortController()
  void setTimeout(waitMs, undefined, { signal: over.signal }).then(
    () => endGroup(child, 'SIGKILL'),
    () => {},
  )
  await ended
  over.abort()
  if (child.exitCode === block.exits) return shown(session, output.stdout)
  const how = `ends with ${child.exitCode ?? child.signalCode}, not ${block.exits}`
  throw new Error(`${block.place} ${how}.\n${output.stdout}\n${output.stderr}`)
}

interface Shell {
  readonly child: ChildProcess
  readonly output: { stdout: string; stderr: string }
}

/** A shell in a process group of its own, so that all it starts can be ended with it. */
function startShell({ environment }: Session, script: string): Shell {
  const child = spawn('bash', ['-c', script], { env: environment, detached: true })
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()))
  return { child, output }
}

/** Follows a stream until it has shown what the page shows. */
async function watch(session: Session, block: Block, answer: Block | undefined): Promise<() => string> {
  if (answer === undefined)
    throw new Error(`${block.place} follows a stream, but does not say what it shows.`)
  const { child, output } = startShell(session, scriptOf(typed(session, block.code), true))
  const isMet = () => differenceOf(answer.language, answer.code, shown(session, output.stdout)) === undefined
  for (const deadline = Date.now() + waitMs; !isMet() && Date.now() < deadline;) await setTimeout(10)
  const printed = shown(session, output.stdout)
  endGroup(child, 'SIGKILL')
  return () => printed
}

async function startServer(session: Session, block: Block, command: string): Promise<void> {
  await stopServer(session)
  const { child, output } = startShell(session, `. "$SESSION"\nexec env ${command}`)
  session.server = { child, output: () => output.stdout, exited: once(child, 'exit') }
  const deadline = Date.now() + waitMs
  let port: string | undefined
  while (port === undefined) {
    if (child.exitCode !== null || Date.now() > deadline)
      throw new Error(`${block.place} does not start: ${output.stderr}`)
    await setTimeout(10)
    // The systems of `npm start` have orders to show once the sample is imported.
    const isWhole = !command.includes('npm start') || /^sample orders: placed/m.test(output.stderr)
    if (isWhole) port = /listens on http:\/\/127\.0\.0\.1:(\d+)\n/.exec(output.stdout)?.[1]
  }
  session.port = Number(port)
}

/** Stops the server as Ctrl-C does, and waits until it has drained. */
async function stopServer(session: Session): Promise<void> {
  const { server } = session
  session.server = undefined
  if (server === undefined || server.child.exitCode !== null) return
  endGroup(server.child, 'SIGINT')
  await server.exited
}

/** Ends what runs in the group of a shell, also where the shell itself has ended. */
function endGroup(child: ChildProcess, signal: 'SIGINT' | 'SIGKILL', mayHaveEnded = false): void {
  const { pid, exitCode, signalCode } = child
  if (pid === undefined || (!mayHaveEnded && (exitCode !== null || signalCode !== null))) return
  try {
    process.kill(-pid, signal)
  } catch (fault) {
    if (!mayHaveEnded) throw fault
  }
}
