// Prints what Rampart costs here, beside the limits of the machine, as ratios in one run: `npm run bench`.
import { parseArgs } from 'node:util'
import { createJsonReport, createTextReport, machineText } from './report.ts'
import { benchAppends } from './work/appends.ts'
import { benchCatchUp } from './work/catch-up.ts'
import { benchCommands } from './work/commands.ts'
import { benchDispatch } from './work/dispatch.ts'
import { benchGrowth } from './work/growth.ts'
import { benchHttp } from './work/http.ts'
import { benchLive } from './work/live.ts'
import { benchLoads } from './work/loads.ts'
import { benchOpen } from './work/open.ts'
import { benchPostgresAppends } from './work/postgres-appends.ts'
import { benchPostgresCatchUp } from './work/postgres-catch-up.ts'
import { benchPostgresGrowth } from './work/postgres-growth.ts'
import { benchPostgresHttp } from './work/postgres-http.ts'
import { benchPostgresLoads } from './work/postgres-loads.ts'
import { benchPostgresReadable } from './work/postgres-readable.ts'
import { benchPostgresSnapshots } from './work/postgres-snapshots.ts'
import { benchPostgresWriters } from './work/postgres-writers.ts'
import { benchRestate } from './work/restate.ts'

// In this order: what dispatch is made of dies young, in a heap that holds nothing of the others yet.
const parts = {
  dispatch: benchDispatch,
  appends: benchAppends,
  commands: benchCommands,
  growth: benchGrowth,
  loads: benchLoads,
  'catch-up': benchCatchUp,
  live: benchLive,
  open: benchOpen,
  http: benchHttp,
  restate: benchRestate,
  'postgres-appends': benchPostgresAppends,
  'postgres-loads': benchPostgresLoads,
  'postgres-catch-up': benchPostgresCatchUp,
  'postgres-readable': benchPostgresReadable,
  'postgres-http': benchPostgresHttp,
  'postgres-writers': benchPostgresWriters,
  'postgres-snapshots': benchPostgresSnapshots,
  'postgres-growth': benchPostgresGrowth,
} as const

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    only: { type: 'string', multiple: true, default: [] },
    scale: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
})
const rounds = Number(values.rounds)
if (!Number.isSafeInteger(rounds) || rounds < 1) {
  console.error('Say how many rounds to run as a whole number: npm run bench -- --rounds 3')
  process.exit(2)
}
const scale = Number(values.scale)
if (!(scale > 0 && scale <= 1)) {
  console.error('Say what share of the full size to run, above 0 and up to 1: npm run bench -- --scale 0.1')
  process.exit(2)
}
const stranger = values.only.find((name) => !Object.keys(parts).some((part) => isMeant(name, part)))
if (stranger !== undefined) {
  console.error(`There is no part ${stranger}. There are: ${Object.keys(parts).join(', ')}.`)
  process.exit(2)
}

const report = values.json ? createJsonReport() : createTextReport()
if (!values.json) console.log(machineText())
report.note(`Medians of ${rounds} rounds; every ratio is taken within one round.`)
if (scale < 1) report.note(`At ${scale} of the full size: what is demanded holds for the full size only.`)
const chosen = Object.entries(parts).filter(([part]) =>
  // Parts on PostgreSQL take as long as all others together, and have a command of their own.
  values.only.length === 0 ? !isMeant('postgres', part) : values.only.some((name) => isMeant(name, part)),
)
for (const [index, [name, run]] of chosen.entries()) {
  console.error(`Measures ${name}, ${index + 1} of ${chosen.length}.`)
  // One after the other: parts that ran at once would measure each other.
  // oxlint-disable-next-line no-await-in-loop -- see above
  await run({ report, rounds, scale })
}
report.end()
// A peer looks for events for ever.
process.exit(0)

/** A part is meant by its name and by what that begins with. */
function isMeant(name: string, part: string): boolean {
  return part === name || part.startsWith(`${name}-`)
}
