// Prints what Rampart costs here, beside the limits of the machine, as ratios in one run: `npm run bench`.
import { parseArgs } from 'node:util'
import { printMachine } from './measure.ts'
import { benchAppends } from './work/appends.ts'
import { benchCatchUp } from './work/catch-up.ts'
import { benchCommands } from './work/commands.ts'
import { benchHttp } from './work/http.ts'
import { benchLoads } from './work/loads.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    only: { type: 'string' },
  },
})
const rounds = Number(values.rounds)
if (!Number.isSafeInteger(rounds) || rounds < 1) {
  console.error('Say how many rounds to run as a whole number: npm run bench -- --rounds 3')
  process.exit(2)
}

const parts = {
  appends: () => benchAppends(rounds, (callers) => (callers === 1 ? 2000 : 20_000)),
  commands: () => benchCommands(rounds, (callers) => (callers === 1 ? 1500 : 15_000)),
  loads: () => benchLoads(rounds),
  'catch-up': () => benchCatchUp(rounds, 500_000),
  http: () => benchHttp(rounds, 4),
} as const

const { only } = values
if (only !== undefined && !Object.hasOwn(parts, only)) {
  console.error(`There is no part ${only}. There are: ${Object.keys(parts).join(', ')}.`)
  process.exit(2)
}

printMachine()
console.log(`Medians of ${rounds} rounds; every ratio is taken within one round.`)
for (const [name, run] of Object.entries(parts)) {
  // One after the other: parts that ran at once would measure each other.
  // oxlint-disable-next-line no-await-in-loop -- see above
  if (only === undefined || only === name) await run()
}
