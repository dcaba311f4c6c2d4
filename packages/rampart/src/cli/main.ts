// The command line: `rampart run` serves apps until it is told to stop; the others operate what it serves.
import { complain } from './output.ts'
import { createProgram } from './program.ts'

try {
  await createProgram().parseAsync()
} catch (fault) {
  process.exit(complain(fault))
}
