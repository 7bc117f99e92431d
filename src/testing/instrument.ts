import { type ErasedContext, type ErasedDefinition, erase, isPromise } from '../kernel/erased.ts'
import type { ReplyFunction } from '../kernel/types.ts'
import { type Clock, pause } from '../ports/clock.port.ts'
import type { ChildSpec, SupervisorSpec, worker } from '../kernel/child-spec.ts'
import type { FaultKind, FaultSite } from './fault.ts'
import { lateness, plantedFault, slowness } from './fault-book.ts'
import type { Happening } from './trace.ts'

/** What the wrappers of actors and ports report to, and where they learn what goes wrong. */
export type Probe = {
  readonly clock: Clock
  strike(site: FaultSite): readonly FaultKind[]
  record(happening: Happening): void
}

const noReply: ReplyFunction<unknown> = Object.assign(() => {}, { fail: () => {} })
/** Runs after `ms` of simulated time: at once where there is nothing to wait for, so that nothing changes its order. */
const delayed = (probe: Probe, ms: number, act: () => unknown): unknown => (ms > 0 ? pause(probe.clock, ms).then(act) : act())

/** Calls `act` with crashes and slowness around it. */
const struck = (probe: Probe, site: FaultSite, strikes: readonly FaultKind[], act: () => unknown): unknown => {
  if (strikes.length === 0) return act()
  const after = (value: unknown): unknown => {
    if (strikes.includes('crash-after')) throw plantedFault('crash-after', site)
    return value
  }
  return delayed(probe, slowness(strikes), () => {
    if (strikes.includes('crash-before')) throw plantedFault('crash-before', site)
    const value = act()
    return isPromise(value) ? value.then(after) : after(value)
  })
}

/** It is done, and who asked for it is told that it failed. */
const failedAfter = (value: unknown, site: FaultSite): unknown => {
  const fail = (): never => {
    throw plantedFault('fail-after', site)
  }
  return isPromise(value) ? value.then(fail) : fail()
}

/** A call of the outside that may fail, hang or answer late. */
export const disturbed = (probe: Probe, site: FaultSite, act: () => unknown): unknown => {
  const strikes = probe.strike(site)
  if (strikes.includes('fail')) throw plantedFault('fail', site)
  for (const kind of strikes) if (typeof kind === 'object' && 'error' in kind) throw plantedFault(kind, site, kind.error)
  if (strikes.includes('hang')) return new Promise(() => {})
  const value = strikes.includes('fail-after') ? failedAfter(act(), site) : act()
  const ms = lateness(strikes)
  if (ms === 0) return value
  return pause(probe.clock, ms).then(() => value)
}

type Effect = (signal: AbortSignal) => unknown

/** The context with faults in its effects, and with children that are started at run time wrapped too. */
const disturbedContext = (ctx: ErasedContext, name: string, probe: Probe): ErasedContext =>
  new Proxy(ctx, {
    get(target, key) {
      if (key === 'run') {
        return (effect: Effect, outcome: never) =>
          target.run((signal) => disturbed(probe, { effectsOf: name }, () => effect(signal)), outcome)
      }
      if (key === 'tell' || key === 'ask') {
        const send = target[key].bind(target) as (...args: unknown[]) => unknown
        return (to: unknown, type: string, message: object, options: unknown) =>
          send(to, type, instrumentMessage(type, message, probe), options)
      }
      const value = Reflect.get(target, key, target) as unknown
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })

const instrumentDefinition = (name: string, definition: ErasedDefinition, probe: Probe): ErasedDefinition => {
  const contexts = new WeakMap<ErasedContext, ErasedContext>()
  const contextOf = (ctx: ErasedContext): ErasedContext => {
    const known = contexts.get(ctx) ?? disturbedContext(ctx, name, probe)
    contexts.set(ctx, known)
    return known
  }
  const wrap =
    (type: string, handler: ErasedDefinition['on'][string]): ErasedDefinition['on'][string] =>
    (ctx, state, message, reply) => {
      const site = { actor: name, on: type }
      const strikes = probe.strike(site)
      const began = probe.clock.monotonic()
      const ended = (how: 'well' | 'threw'): void => probe.record({ event: 'handled', actor: ctx.self.id, type, began, ended: how })
      const well = (value: unknown): unknown => {
        ended('well')
        return value
      }
      const threw = (error: unknown): never => {
        ended('threw')
        throw error
      }
      let value: unknown
      try {
        value = struck(probe, site, strikes, () =>
          handler(contextOf(ctx), state, message, strikes.includes('lost-reply') ? noReply : reply),
        )
      } catch (error) {
        return threw(error)
      }
      return isPromise(value) ? value.then(well, threw) : well(value)
    }
  const { terminate } = definition
  return {
    ...definition,
    init: (ctx, args) => {
      const site = { actor: name, init: true } as const
      return struck(probe, site, probe.strike(site), () => definition.init(contextOf(ctx), args))
    },
    on: Object.fromEntries(Object.entries(definition.on).map(([type, handler]) => [type, wrap(type, handler)])),
    ...(terminate === undefined ? {} : { terminate: (ctx, state, exit) => terminate.call(definition, contextOf(ctx), state, exit) }),
  }
}

/** A child spec whose actors report what they handle and can be struck by faults. */
export const instrument = <S extends ChildSpec>(spec: S, probe: Probe): S => {
  if (spec.type === 'worker') {
    const definition = instrumentDefinition(spec.name, erase(spec.definition), probe) as unknown as ReturnType<typeof worker>['definition']
    return { ...spec, definition }
  }
  const { children, recover } = spec as SupervisorSpec
  return {
    ...spec,
    ...(children !== undefined && { children: children.map((child) => instrument(child, probe)) }),
    ...(recover !== undefined && { recover: async (ctx) => (await recover(ctx)).map((child) => instrument(child, probe)) }),
  } as S
}

/** Children that are added at run time are wrapped as those of the tree are. */
export const instrumentMessage = (type: string, message: object, probe: Probe): object =>
  type === 'supervisor.start-child' || type === 'supervisor.replace-child'
    ? { ...message, spec: instrument((message as { spec: ChildSpec }).spec, probe) }
    : message
