// `rampart rebuild`: builds a projection anew beside the live documents of a running server, and watches it.
import { Option, type Command } from 'commander'
import { sleep, systemRuntime } from '../core/index.ts'
import { callEach, type Server } from './admin-client.ts'
import type { Answer } from './answer.ts'
import { findServers, withServer, type ServerOptions } from './find-servers.ts'
import { found, print } from './output.ts'
import { openProgress } from './progress.ts'

interface RebuildOptions extends ServerOptions {
  readonly back?: true
  readonly accept?: true
  readonly drop?: true
  readonly status?: true
}

const lookMs = 200

/** Adds the command to a program. */
export function addRebuild(program: Command): void {
  withServer(program.command('rebuild <projection>'))
    .description('Builds a projection anew beside its live documents, and switches when both agree.')
    .addOption(new Option('--back', 'goes back to the build before').conflicts(['accept', 'drop', 'status']))
    .addOption(new Option('--accept', 'switches to a build that differs').conflicts(['drop', 'status']))
    .addOption(new Option('--drop', 'drops a build that differs').conflicts(['status']))
    .option('--status', 'says how far it is, and nothing else')
    .action(rebuild)
}

async function rebuild(projection: string, options: RebuildOptions): Promise<void> {
  const path = `projections/${encodeURIComponent(projection)}/rebuild`
  const servers = await findServers(options)
  const ask = (body?: object) => askAll(servers, path, body)
  const first = await ask(options.status ? undefined : { action: actionOf(options) })
  const statuses = options.status ? first : await watch(projection, first, ask)
  for (const status of statuses) report(projection, status)
}

/** What each process says that runs the projection, or some parts of it. */
async function askAll(
  servers: readonly Server[],
  path: string,
  body: object | undefined,
): Promise<readonly RebuildStatus[]> {
  return (await callEach(servers, path, body)).map(statusIn)
}

async function watch(
  projection: string,
  first: readonly RebuildStatus[],
  ask: () => Promise<readonly RebuildStatus[]>,
): Promise<readonly RebuildStatus[]> {
  let statuses = first
  let under = buildUnderWay(statuses)
  if (under === undefined) return statuses
  using progress = openProgress({ label: `rebuild ${projection}`, total: under.target, unit: 'events' })
  while (under !== undefined) {
    progress.advanceTo(under.position, under.target)
    // oxlint-disable-next-line no-await-in-loop -- it looks again and again
    await sleep(systemRuntime, lookMs)
    // oxlint-disable-next-line no-await-in-loop -- the same
    statuses = await ask()
    under = buildUnderWay(statuses)
  }
  return statuses
}

/** How far the slowest is; `undefined` when nothing is built any more. */
function buildUnderWay(statuses: readonly RebuildStatus[]): Pick<Build, 'position' | 'target'> | undefined {
  const builds = statuses.flatMap(({ build }) => (build?.state === 'building' ? [build] : []))
  return builds.toSorted((one, other) => one.position - other.position)[0]
}

function actionOf({ back, accept, drop }: RebuildOptions): string {
  if (back) return 'back'
  if (accept) return 'accept'
  return drop ? 'drop' : 'start'
}

/** One of the builds of a projection. */
interface BuildName {
  readonly version: number
  readonly generation: number
}

interface Build extends BuildName {
  readonly state: string
  readonly position: number
  readonly target: number
  readonly perSecond: number
  readonly error: string
  readonly comparison: Comparison | undefined
  /** What operators skipped, and this build brings back. */
  readonly skipped: string
}

interface Comparison {
  readonly documents: string
  readonly differing: number
  readonly sample: string
}

interface RebuildStatus {
  readonly live: BuildName
  readonly kept: readonly BuildName[]
  readonly build: Build | undefined
  /** Which share of a split projection this is about. */
  readonly parts: string
}

function statusIn(answer: Answer): RebuildStatus {
  return {
    live: nameIn(answer.part('live')),
    kept: answer.list('kept').map(nameIn),
    build: answer.has('build') ? buildIn(answer.part('build')) : undefined,
    parts: answer.has('parts') ? partsIn(answer.part('parts')) : '',
  }
}

function partsIn(parts: Answer): string {
  return ` (${parts.number('here')} of ${parts.number('all')} parts)`
}

function nameIn(answer: Answer): BuildName {
  return { version: answer.number('version'), generation: answer.number('generation') }
}

function buildIn(answer: Answer): Build {
  return {
    ...nameIn(answer),
    state: answer.text('state'),
    position: answer.number('position'),
    target: answer.number('target'),
    perSecond: answer.number('perSecond'),
    error: answer.has('error') ? answer.text('error') : 'nobody knows why',
    comparison: answer.has('comparison') ? comparisonIn(answer.part('comparison')) : undefined,
    skipped: answer.has('skipped') ? answer.list('skipped').map(skippedIn).join(', ') : '',
  }
}

function skippedIn(answer: Answer): string {
  return `${answer.text('type')} at position ${answer.number('position')} of ${answer.text('key')}`
}

function comparisonIn(answer: Answer): Comparison {
  return {
    documents: answer.numbers('documents').join(' and '),
    differing: answer.number('differing'),
    sample: answer.texts('sample').join(', '),
  }
}

function report(projection: string, { live, kept, build, parts }: RebuildStatus): void {
  const lines = [`${projection}${parts} is live as ${nameOf(live)}.`]
  if (build !== undefined) lines.push(`The build ${nameOf(build)} ${fateOf(build, live)}`)
  if (kept.length > 0) lines.push(`Kept for the way back: ${kept.map(nameOf).join(', ')}.`)
  print(lines.join('\n'))
  if (build?.state === 'differs' || build?.state === 'failed') found()
}

function nameOf({ version, generation }: RebuildStatus['live']): string {
  return `version ${version}, generation ${generation}`
}

function fateOf(build: Build, live: BuildName): string {
  const { state, comparison, error, position, target, perSecond } = build
  const compared = comparison === undefined ? '' : ` (${comparison.documents} documents)`
  switch (state) {
    case 'building':
      return `is at ${position} of ${target}, ${perSecond} per second.`
    case 'switched':
      return `took its place${compared}.`
    case 'dropped':
      return 'was dropped.'
    case 'failed':
      return `failed: ${error}`
    case 'differs':
      return `differs in ${differenceIn(build)} ${decisionOn(build, live)}`
    default:
      return `is ${state}.`
  }
}

function differenceIn({ comparison, skipped }: Build): string {
  const { documents = '', differing = 0, sample = '' } = comparison ?? {}
  const named = `${differing} documents (${documents} documents): ${sample}.`
  return skipped === '' ? named : `${named} It brings back what was skipped: ${skipped}.`
}

function decisionOn({ version }: BuildName, live: BuildName): string {
  if (version === live.version) return 'Use --accept or --drop.'
  return 'Mend it and start the server again, or use --accept.'
}
