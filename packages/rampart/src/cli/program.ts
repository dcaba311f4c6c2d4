// The commands of `rampart` with their options: what `main.ts` runs, and what its reference is held against.
import { Command } from 'commander'
import { addBackup } from './backup.ts'
import { addCommands } from './commands.ts'
import { addDoctor } from './doctor.ts'
import { addQuarantine } from './quarantine.ts'
import { addRebuild } from './rebuild.ts'
import type { run } from './run.ts'
import { addStatus } from './status.ts'
import { addVerify } from './verify.ts'

/** All commands of the command line. */
export function createProgram(): Command {
  const program = new Command('rampart')
  program.description('Runs event-sourced applications.').showHelpAfterError().exitOverride()
  program
    .command('run')
    .description(
      'Serves apps. Settings: PORT, HOST, RAMPART_DATA, RAMPART_RATE_PER_SECOND, RAMPART_CONNECTIONS.',
    )
    .argument('[module]', 'an app to serve at the root: a module, or a folder that has one')
    .option('--mount <prefix=module>', 'an app below a prefix; may be given several times', gather, [])
    .option(
      '--roles <names>',
      'write, project, process, relay, serve: what this process does; all unless said (RAMPART_ROLES)',
    )
    // Loaded when it is asked for: the other commands need no gateway, and start in half the time without.
    .action(async (...given: Parameters<typeof run>) => (await import('./run.ts')).run(...given))
  addQuarantine(program)
  addRebuild(program)
  addStatus(program)
  addDoctor(program)
  addCommands(program)
  addBackup(program)
  addVerify(program)
  return program
}

function gather(value: string, before: readonly string[]): readonly string[] {
  return [...before, value]
}
