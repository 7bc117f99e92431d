import type { RestartType } from '../src/protocols/plan.ts'

/** What happens to a supervisor, one thing after another. */
export type Step = { readonly do: 'crash' | 'exit' | Command; readonly child: number } | { readonly do: 'advance'; readonly ms: number }

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

type Child = { readonly index: number; starts: number; incarnation: number; up: boolean }
class Over extends Error {}

export const nameOf = (index: number): string => `child-${index}`

/**
 * Erlang/OTP's supervisor, written again from `supervisor.erl` and nothing of ours: `handle_info('EXIT')` →
 * `restart_child` → `do_restart` → `add_restart` → `restart(Strategy)`, with `try_again` on a failed start.
 * @returns what is logged: starts, ends, decisions
 */
export const expectedLog = (scenario: SupervisorScenario): string[] => {
  const { strategy, intensity } = scenario
  const log: string[] = []
  let children: Child[] = scenario.children.map((_, index) => ({ index, starts: 0, incarnation: 0, up: false }))
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
    log.push(`started ${idOf(child)}`)
    return true
  }
  const terminate = (list: readonly Child[]): void => {
    for (const child of list.toReversed()) {
      if (child.up) log.push(`exited ${idOf(child)} shutdown`)
      child.up = false
    }
  }
  const addRestart = (child: Child): void => {
    restarts = [now, ...restarts].filter((then) => now <= then + intensity.withinMs)
    const decision = restarts.length <= intensity.restarts ? 'restart' : 'escalate'
    log.push(`${decision} ${nameOf(child.index)} ${restarts.length}`)
    if (decision === 'restart') return
    terminate(children)
    log.push('exited root$1 escalated')
    throw new Over()
  }
  const restart = (child: Child): void => {
    addRestart(child)
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
  const exited = (child: Child, reason: 'crashed' | 'normal'): void => {
    log.push(`exited ${idOf(child)} ${reason}`)
    child.up = false
    const type = specOf(child).restart
    if (type === 'permanent' || (type === 'transient' && reason === 'crashed')) return restart(child)
    const within = restarts.filter((then) => now <= then + intensity.withinMs).length
    log.push(`remove ${nameOf(child.index)} ${within}`)
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
    log.push('started root$1')
    for (const step of scenario.steps) {
      if (step.do === 'advance') now += step.ms
      else {
        const child = children.find(({ index }) => index === step.child)
        if (step.do !== 'crash' && step.do !== 'exit') log.push(`${step.do} ${command(step.do, child)}`)
        else if (child?.up === true) exited(child, step.do === 'crash' ? 'crashed' : 'normal')
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
