// The command line: `rampart run` serves apps until it is told to stop; the others operate what it serves.
import { complain } from './output.ts'
import { createProgram } from './program.ts'

// Whoever reads the output may end before it does, as `head` does. The exit code tells all the same what was
// found, and a server goes on.
process.stdout.on('error', (fault) => {
  if (!('code' in fault && fault.code === 'EPIPE')) process.exit(complain(fault))
})

try {
  await createProgram().parseAsync()
} catch (fault) {
  process.exit(complain(fault))
}
