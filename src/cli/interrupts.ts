/** What can be asked of a run that somebody interrupts. */
export type Interruptible = { stop(by: string): void; kill(by: string): void }

/** Signals that stop a run. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
type StopSignal = (typeof SIGNALS)[number]

export type Interrupts = Disposable & {
  /** From now on signals reach this run; those that came before do at once. */
  attach(run: Interruptible): void
  /** The first signal that came, or null. */
  readonly first: () => StopSignal | null
}

/**
 * Takes over the signals that end a process: the first of them stops the run gracefully, a second Ctrl-C kills it.
 * Others after the first change nothing: what sends SIGTERM or SIGHUP often sends it twice.
 * @param noticed called once for the first signal
 */
export const catchInterrupts = (noticed: (signal: StopSignal) => void, source: NodeJS.EventEmitter = process): Interrupts => {
  let run: Interruptible | null = null
  let first: StopSignal | null = null
  let killed = false
  const onSignal = (signal: StopSignal): void => {
    if (first === null) {
      first = signal
      noticed(signal)
      run?.stop(signal)
    } else if (signal === 'SIGINT' && !killed) {
      killed = true
      run?.kill('a second SIGINT')
    }
  }
  const listeners = SIGNALS.map((signal) => [signal, () => onSignal(signal)] as const)
  for (const [signal, listener] of listeners) source.on(signal, listener)
  return {
    attach(target) {
      run = target
      if (first !== null) target.stop(first)
      if (killed) target.kill('a second SIGINT')
    },
    first: () => first,
    [Symbol.dispose]() {
      for (const [signal, listener] of listeners) source.removeListener(signal, listener)
    },
  }
}
