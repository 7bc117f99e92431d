import { event } from '../actors/journal.ts'
import type { EventPayloads } from '../protocols/event-payloads.ts'
import { JOURNAL, laneTreeName, LANES, ptyName, RUNS, runName, runTreeName, terminalTreeName } from '../actors/names.ts'
import type { Clock } from '../ports/clock.port.ts'
import { isSignalboxError, SignalboxError } from '../protocols/errors.ts'
import type { LaneId, RunId, TerminalId } from '../protocols/ids.ts'
import type { System } from '../supervisors/system.types.ts'
import type { Locate } from './locate.ts'
import type { Lanes } from './own-lanes.ts'
import type { Terminals } from './terminals.ts'

/** For what is below it to end in its own time. Less than what a client waits. ms */
const STOP_LIMIT_MS = 110_000
/** A journal that does not answer must not keep anybody from a repair: what was done is then recorded when it does. ms */
const RECORD_LIMIT_MS = 1_000

/** An incarnation of an actor. */
export type Lived = { readonly name: string; readonly incarnation: number }
export type Intervention = 'stop' | 'restart' | 'kill' | 'suspend' | 'resume'

/** Looks at the actors of the tree, and does something to one; who did is recorded before it is done (`actor.intervened`). */
export interface Actors extends Pick<System, 'inspectAll' | 'trace'> {
  /**
   * Stops an actor and all below it in its shutdown time. It stays down until it is restarted; a terminal is gone.
   * @returns the incarnation that was stopped
   * @throws ERR_ACTOR_NOT_FOUND, ERR_CONTROL_PAYLOAD_INVALID for one that has another way to end, ERR_ACTOR_SUSPENDED, ERR_ASK_TIMEOUT
   */
  stop(name: string, by: string): Promise<Lived>
  /**
   * Stops an actor and all below it, if it runs, and starts it again. A terminal stays, and its command runs anew.
   * @returns the incarnation that runs now
   * @throws ERR_ACTOR_NOT_FOUND, ERR_ACTOR_SUSPENDED, ERR_ACTOR_INIT_FAILED, ERR_ASK_TIMEOUT
   */
  restart(name: string, by: string): Promise<Lived>
  /**
   * Ends an actor and all below it at once; its supervisor does as after a crash. Of a terminal, the process tree is killed.
   * @returns the incarnation that was killed
   * @throws ERR_ACTOR_NOT_FOUND
   */
  kill(name: string, by: string): Promise<Lived>
  /** See `System.suspend`. @throws ERR_ACTOR_NOT_FOUND */
  suspend(name: string, by: string): Promise<Lived>
  /** See `System.resume`. @throws ERR_ACTOR_NOT_FOUND */
  resume(name: string, by: string): Promise<Lived>
  /** See `System.retry`. @returns whom it was sent to @throws ERR_DEAD_LETTER_…, ERR_ACTOR_NOT_FOUND */
  retry(letter: number, by: string): Promise<Lived>
}

type Parts = {
  readonly system: System
  readonly clock: Clock
  readonly locate: Locate
  readonly lanes: Lanes
  readonly terminals: Terminals
}

const PTY = ptyName('' as TerminalId)
const TERMINAL = terminalTreeName('' as TerminalId)
const LANE_TREE = laneTreeName('' as LaneId)
const RUN = runName('' as RunId)
const RUN_TREE = runTreeName('' as RunId)

/** The terminal that an actor is for. */
const terminalOf = (name: string): TerminalId | null => {
  const prefix = [PTY, TERMINAL].find((start) => name.startsWith(start))
  return prefix === undefined ? null : (name.slice(prefix.length) as TerminalId)
}

/** What would leave something behind that nobody ends any more, or nobody who could record it. */
const whyNotStopped = (name: string): string | null => {
  if (name === RUNS.name || name.startsWith(RUN) || name.startsWith(RUN_TREE))
    return 'stop the run: runs.stop, or Ctrl-C where it was started'
  if (name.startsWith(LANE_TREE)) return 'remove the lane: lane.remove; or stop one of its terminals'
  if (name === JOURNAL.name || name === 'infrastructure') return 'nothing could be recorded without it; restart it'
  return null
}

const refused = (name: string, why: string): SignalboxError =>
  new SignalboxError('ERR_CONTROL_PAYLOAD_INVALID', `"${name}" is not stopped by itself: ${why}`, { context: { name } })

const notRunning = (name: string): SignalboxError =>
  new SignalboxError('ERR_ACTOR_NOT_FOUND', `"${name}" does not run now; see the tree`, { context: { name } })

/** It may have gone since it was looked for. */
const onTree = async <T>(name: string, act: () => T | Promise<T>): Promise<T> => {
  try {
    return await act()
  } catch (error) {
    throw isSignalboxError(error, 'ERR_SUPERVISOR_CHILD_NOT_FOUND') ? notRunning(name) : error
  }
}

export const createActors = ({ system, clock, locate, lanes, terminals }: Parts): Actors => {
  const record = async (name: string, done: Omit<EventPayloads['actor.intervened'], 'lane' | 'command'>): Promise<void> => {
    const { ids, payload: where } = locate(name)
    const intervened = event(clock.now(), 'actor.intervened', ids, { ...where, ...done })
    await system.ask(JOURNAL, 'journal.commit', { events: [intervened] }, { timeoutMs: RECORD_LIMIT_MS }).catch(() => undefined)
  }

  /** @throws ERR_ACTOR_NOT_FOUND; ERR_CONTROL_PAYLOAD_INVALID for the root, which is the process */
  const begin = async (what: Intervention, name: string, by: string): Promise<Lived> => {
    const found = system.inspect(name)
    if (found === undefined) throw notRunning(name)
    const { incarnation, supervisor } = found
    if (supervisor === null) {
      throw new SignalboxError('ERR_CONTROL_PAYLOAD_INVALID', `"${name}" is the whole tree; \`signalbox down\` stops it`, {
        context: { name },
      })
    }
    await record(name, { intervention: what, name, incarnation, by })
    return { name, incarnation }
  }

  /** The process tree, whose end its actor records and its supervisor judges: a killed actor would leave it behind. */
  const killProcess = async (terminal: TerminalId, by: string): Promise<boolean> => {
    const pty = await terminals.pty(terminal).catch(() => null)
    await pty?.terminate({ graceMs: 0, askedBy: by })
    return pty !== null
  }

  return {
    inspectAll: (options) => system.inspectAll(options),
    trace: (what, sink) => system.trace(what, sink),
    async stop(name, by) {
      const why = whyNotStopped(name)
      if (why !== null) throw refused(name, why)
      const stopped = await begin('stop', name, by)
      await onTree(name, () => system.terminate(name, { timeoutMs: STOP_LIMIT_MS }))
      return stopped
    },
    async restart(word, by) {
      const terminal = terminalOf(word)
      // its supervisor is gone once its command has ended
      const name = terminal === null ? word : ptyName(terminal)
      await begin('restart', name, by)
      await onTree(name, () => system.restart(name, { timeoutMs: STOP_LIMIT_MS }))
      return { name, incarnation: system.inspect(name)?.incarnation ?? 0 }
    },
    async kill(name, by) {
      const killed = await begin('kill', name, by)
      const terminal = terminalOf(name)
      if (terminal !== null && (await killProcess(terminal, by))) return killed
      if (!(await onTree(name, () => system.kill(name)))) throw notRunning(name)
      // a lane of its own is nobody's child that is restarted
      if (name.startsWith(LANE_TREE) || name === LANES.name) await lanes.recover()
      return killed
    },
    async suspend(name, by) {
      const suspended = await begin('suspend', name, by)
      if (!(await onTree(name, () => system.suspend(name)))) throw notRunning(name)
      return suspended
    },
    async resume(name, by) {
      const resumed = await begin('resume', name, by)
      if (!(await onTree(name, () => system.resume(name)))) throw notRunning(name)
      return resumed
    },
    async retry(letter, by) {
      const { name, incarnation } = system.retry(letter)
      await record(name, { intervention: 'retry', name, incarnation, letter, by })
      return { name, incarnation }
    },
  }
}
