// Faults by which commands in line tell each other, and the inbox, that nothing is wrong with them.
import { RampartError } from '../core/index.ts'

/** The fault of a key that names another command already. */
export function keyReused(): RampartError {
  const message = 'This idempotency key was used for another command. Use a new key for a new command.'
  return new RampartError('IDEMPOTENCY_KEY_REUSED', message)
}

const deferredMessage = 'An earlier accepted command of the stream comes first.'

/** The fault of an accepted command that must wait because one before it has to be tried again. */
export function deferred(): RampartError {
  return new RampartError('STREAM_CONTENDED', deferredMessage, { details: { deferred: true } })
}

/** The fault of a command that was sent again while it waits in the inbox, where it keeps its place. */
export function leftToInbox(): RampartError {
  const details = { deferred: true, leftToInbox: true }
  return new RampartError('STREAM_CONTENDED', 'The command waits in the inbox already.', { details })
}

/** True when a command waits in the inbox, which will bring its outcome. */
export function isLeftToInbox(fault: unknown): boolean {
  return fault instanceof RampartError && fault.details['leftToInbox'] === true
}

/** True when a command was only put off, without having been tried. */
export function isDeferred(fault: unknown): boolean {
  return fault instanceof RampartError && fault.details['deferred'] === true
}
