// Installs the packed library into empty projects on the oldest and newest Node, and tries it as users do.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

const nodes = ['22.23.1', '24.21.0']
const library = join(import.meta.dirname, '..')
const root = join(library, '../..')
const run = promisify(execFile)

interface Project {
  readonly folder: string
  readonly node: string
  readonly env: NodeJS.ProcessEnv
}

const work = await mkdtemp(join(tmpdir(), 'rampart-packed-'))
try {
  const packed = await run('npm', ['pack', '--silent', '--pack-destination', work], { cwd: library })
  // What the build prints comes first.
  const archive = join(work, packed.stdout.trim().split('\n').at(-1) ?? '')
  for (const version of nodes) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other leaves room for what else runs here
    await tryOn(version, archive)
  }
} finally {
  await rm(work, { recursive: true })
}

async function tryOn(version: string, archive: string): Promise<void> {
  const project = await createProject(version, archive)
  expect(`v${version}`, (await run(project.node, ['--version'])).stdout.trim(), 'the version of Node')
  const code = await quickStart()
  await writeFile(join(project.folder, 'quick-start.mts'), code)
  await compile(project)
  const shown = await run(project.node, ['quick-start.mts'], { cwd: project.folder, env: project.env })
  expect(
    "succeeded { key: 'ada', version: 2, position: 2, data: { cents: 300 } }",
    oneLine(shown.stdout),
    'the quick start',
  )
  expect('', shown.stderr.replace(/\(node:.*ExperimentalWarning: .*\n.*--trace-warnings .*\n/g, ''), 'stderr')
  await writeFile(join(project.folder, 'bank.mts'), servedBy(code))
  await serve(project)
  process.stdout.write(
    `Node ${version}: the quick start runs from the packed library, in process and served.\n`,
  )
}

async function createProject(version: string, archive: string): Promise<Project> {
  const folder = join(work, version)
  await mkdir(folder)
  const platform = `node-${process.platform}-${process.arch}`
  const binaries = join(folder, 'node', 'node_modules', platform, 'bin')
  await mkdir(join(folder, 'node'))
  await run('npm', ['init', '-y'], { cwd: join(folder, 'node') })
  const install = ['install', '--no-audit', '--no-fund']
  await run('npm', [...install, `${platform}@${version}`], { cwd: join(folder, 'node') })
  // From here on everything runs on that Node, npm included.
  const env = {
    ...process.env,
    PATH: `${binaries}${delimiter}${process.env['PATH'] ?? ''}`,
    NODE_OPTIONS: '',
  }
  const own = join(folder, 'own')
  await mkdir(own)
  await run('npm', ['init', '-y'], { cwd: own, env })
  await run('npm', [...install, archive, 'zod@4.6.7', '@types/node@24.19.2'], { cwd: own, env })
  return { folder: own, node: join(binaries, 'node'), env }
}

async function quickStart(): Promise<string> {
  const readme = await readFile(join(root, 'README.md'), 'utf8')
  return /```ts\n(.*?)```/s.exec(readme)?.[1] ?? ''
}

/** The definitions of the quick start as a module that a host can load. */
function servedBy(code: string): string {
  const [definitions = ''] = code.split('const running')
  return `${definitions}export default bank\n`
}

async function compile({ folder }: Project): Promise<void> {
  const options = '--noEmit --strict --module nodenext --target esnext --types node --ignoreConfig'
  const args = [...options.split(' '), 'quick-start.mts']
  await run(join(root, 'node_modules/.bin/tsc'), args, { cwd: folder })
}

async function serve({ folder, env }: Project): Promise<void> {
  const settings = { PORT: '0', RAMPART_DATA: join(folder, 'data'), INIT_CWD: folder }
  const command = join(folder, 'node_modules/.bin/rampart')
  const child = spawn(command, ['run', './bank.mts'], { cwd: folder, env: { ...env, ...settings } })
  let output = ''
  child.stderr.on('data', (chunk) => (output += String(chunk)))
  for await (const chunk of child.stdout) {
    output += String(chunk)
    if (output.includes('listens on')) break
  }
  const url = /listens on (\S+)/.exec(output)?.[1] ?? `nothing: ${output}`
  const body = JSON.stringify({ streamId: 'ada', data: { cents: 5 } })
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(`${url}/commands/Move`, { method: 'POST', headers, body })
  const token = answer.headers.get('consistency-token') ?? ''
  const read = await fetch(`${url}/reads/balances/ada`, { headers: { 'consistency-token': token } })
  expect('{"key":"ada","version":1,"data":{"cents":5}}', await read.text(), 'what is read over HTTP')
  child.kill('SIGTERM')
  const [code] = await once(child, 'exit')
  expect('0', String(code), 'the exit code of the server')
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim()
}

function expect(expected: string, actual: string, what: string): void {
  if (actual !== expected) throw new Error(`${what}: expected ${expected}, got ${actual}`)
}
