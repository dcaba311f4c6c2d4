// The command line: `rampart run` serves apps until it is told to stop; the others operate what it serves.
import { complain } from './output.ts'
import { createProgram } from './program.ts'

// Whoever reads the output may end before it does, as `head` does.
process.stdout.on('error', (fault) =>
  process.exit('code' in fault && fault.code === 'EPIPE' ? 0 : complain(fault)),
)

try {
  await createProgram().parseAsync()
} catch (fault) {
  process.exit(complain(fault))
}
