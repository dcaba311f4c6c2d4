// A command from when it is taken up until it is answered.
//
// Those who wait for it are told in the turn in which it is answered. A promise of each step in between would
// tell them some turns later, and costs more than the step.
import type { Hearer } from './bounded-waits.ts'
import type { FinalCommand } from './command-service.ts'
import type { CheckedCommand } from './decide.ts'

/** Hears of the end of a command before anybody else; without a status when it came to nothing. */
export type EndOfCommand = (command: CheckedCommand, status: FinalCommand | undefined) => void

/** A command that is being handled in this process, and what it comes to. */
export class CommandInHand implements Hearer<FinalCommand> {
  readonly command: CheckedCommand
  readonly #onEnd: EndOfCommand
  readonly #hearers: Hearer<FinalCommand>[] = []
  #status: FinalCommand | undefined
  #fault: { readonly is: unknown } | undefined

  constructor(command: CheckedCommand, onEnd: EndOfCommand) {
    this.command = command
    this.#onEnd = onEnd
  }

  /** Answers it; without effect once it is answered. */
  resolve(status: FinalCommand): void {
    if (this.#isAnswered()) return
    this.#status = status
    this.#onEnd(this.command, status)
    for (const hearer of this.#hearers) hearer.resolve(status)
  }

  /** Answers it with a fault; without effect once it is answered. */
  reject(fault: unknown): void {
    if (this.#isAnswered()) return
    this.#fault = { is: fault }
    this.#onEnd(this.command, undefined)
    for (const hearer of this.#hearers) hearer.reject(fault)
  }

  /** Has it told to somebody: at once when it is answered. */
  tell(hearer: Hearer<FinalCommand>): void {
    if (this.#status !== undefined) hearer.resolve(this.#status)
    else if (this.#fault !== undefined) hearer.reject(this.#fault.is)
    else this.#hearers.push(hearer)
  }

  /** The same as a promise. */
  final(): Promise<FinalCommand> {
    return new Promise((resolve, reject) => this.tell({ resolve, reject }))
  }

  #isAnswered(): boolean {
    return this.#status !== undefined || this.#fault !== undefined
  }
}

/** A command that is not taken up, and comes to a fault. */
export function turnedAway(command: CheckedCommand, fault: unknown): CommandInHand {
  const inHand = new CommandInHand(command, () => {})
  inHand.reject(fault)
  return inHand
}
