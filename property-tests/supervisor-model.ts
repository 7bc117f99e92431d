import type { RestartType } from '../src/protocols/plan.ts'

/** What happens to a supervisor, one thing after another. wait, stop, escalate: a crash that `classify` judges so. */
export type Step =
  | { readonly do: 'crash' | 'exit' | 'wait' | 'stop' | 'escalate' | Command; readonly child: number }
  | { readonly do: 'advance'; readonly ms: number }

/** `supervisor:terminate_child` and so on. */
export type Command = 'terminate-child' | 'restart-child' | 'delete-child'

export type SupervisorScenario = {
  readonly seed: number
  readonly strategy: 'one_for_one' | 'one_for_all' | 'rest_for_one'
  readonly intensity: { readonly restarts: number; readonly withinMs: number }
  /** `fails`: which of its starts fail, from 1. */
  readonly children: readonly { readonly restart: RestartType; readonly fails: readonly number[] }[]
  readonly steps: readonly Step[]
}

type Child = { readonly index: number; starts: number; incarnation: number; up: boolean; startedAt: number; waits: number }

/** How long a judged wait takes, and how many there may be in a row. */
export const WAIT = { ms: 30, atMost: 2 } as const
class Over extends Error {}

export const isCommand = (what: Step['do']): what is Command => what.endsWith('-child')
export const nameOf = (index: number): string => `child-${index}`

/**
 * Erlang/OTP's supervisor, written again from `supervisor.erl` and nothing of ours: `handle_info('EXIT')` →
 * `restart_child` → `do_restart` → `add_restart` → `restart(Strategy)`, with `try_again` on a failed start. Judgements of
 * `classify` are not OTP's.
 * @returns what is logged: starts, ends, decisions
 */
export const expectedLog = (scenario: SupervisorScenario): string[] => {
  const { strategy, intensity } = scenario
  const log: string[] = []
  let children: Child[] = scenario.children.map((_, index) => ({ index, starts: 0, incarnation: 0, up: false, startedAt: 0, waits: 0 }))
  let now = 0
  let restarts: number[] = []
  const specOf = ({ index }: Child) => scenario.children[index]!
  const idOf = ({ index, incarnation }: Child): string => `${nameOf(index)}$${incarnation}`

  const start = (child: Child): boolean => {
    child.starts += 1
    child.incarnation += 1
    if (specOf(child).fails.includes(child.starts)) {
      log.push(`exited ${idOf(child)} init_failed`)
      return false
    }
    child.up = true
    child.startedAt = now
    log.push(`started ${idOf(child)} at ${now}`)
    return true
  }
  const terminate = (list: readonly Child[]): void => {
    for (const child of list.toReversed()) {
      if (child.up) log.push(`exited ${idOf(child)} shutdown`)
      child.up = false
    }
  }
  const within = (): number[] => restarts.filter((then) => now <= then + intensity.withinMs)
  const decide = (decision: string, child: Child): void => {
    log.push(`${decision} ${nameOf(child.index)} ${within().length}`)
    if (decision !== 'escalate') return
    terminate(children)
    log.push(`exited root$1 escalated`)
    throw new Over()
  }
  const restart = (child: Child): void => {
    restarts = [now, ...within()]
    decide(restarts.length <= intensity.restarts ? 'restart' : 'escalate', child)
    startAgain(child)
  }
  /** Ours: no restart is counted, and the group waits with the child. */
  const wait = (child: Child): void => {
    child.waits += 1
    decide(child.waits <= WAIT.atMost ? 'wait' : 'escalate', child)
    if (strategy !== 'one_for_one') terminate(children.slice(strategy === 'one_for_all' ? 0 : children.indexOf(child)))
    now += WAIT.ms
    startAgain(child)
  }
  const startAgain = (child: Child): void => {
    if (strategy === 'one_for_one') {
      if (!start(child)) restart(child)
      return
    }
    const at = strategy === 'one_for_all' ? 0 : children.indexOf(child)
    terminate(children.slice(at))
    const again = children.slice(at).filter((one) => one === child || specOf(one).restart !== 'temporary')
    children = [...children.slice(0, at), ...again]
    for (const one of again) if (!start(one)) return restart(one)
  }
  const exited = (child: Child, judged: 'crash' | 'exit' | 'wait' | 'stop' | 'escalate'): void => {
    log.push(`exited ${idOf(child)} ${judged === 'exit' ? 'normal' : 'crashed'}`)
    child.up = false
    if (now - child.startedAt >= intensity.withinMs) child.waits = 0
    if (judged === 'escalate') decide('escalate', child)
    const type = specOf(child).restart
    const isRestarted = type === 'permanent' || (type === 'transient' && judged !== 'exit')
    if (isRestarted && judged !== 'stop') return judged === 'wait' ? wait(child) : restart(child)
    decide('remove', child)
    if (type === 'temporary') children = children.filter((one) => one !== child)
  }
  const NOT_FOUND = 'ERR_SUPERVISOR_CHILD_NOT_FOUND'
  const command = (what: Command, child: Child | undefined): string => {
    if (child === undefined) return NOT_FOUND
    if (what === 'terminate-child') {
      terminate([child])
      if (specOf(child).restart === 'temporary') children = children.filter((one) => one !== child)
      return 'ok'
    }
    if (child.up) return 'ERR_SUPERVISOR_CHILD_RUNS'
    if (what === 'restart-child') return start(child) ? 'ok' : 'ERR_ACTOR_INIT_FAILED'
    children = children.filter((one) => one !== child)
    return 'ok'
  }
  const run = (): void => {
    for (const child of children) start(child)
    log.push('started root$1 at 0')
    for (const step of scenario.steps) {
      const since = now
      if (step.do === 'advance') now += step.ms
      else {
        const child = children.find(({ index }) => index === step.child)
        if (isCommand(step.do)) log.push(`${step.do} ${command(step.do, child)}`)
        else if (child?.up === true) exited(child, step.do)
        if (step.do === 'wait') now = Math.max(now, since + WAIT.ms)
      }
    }
    terminate(children)
    log.push('exited root$1 shutdown')
  }
  try {
    run()
  } catch (error) {
    if (!(error instanceof Over)) throw error
  }
  return log
}
