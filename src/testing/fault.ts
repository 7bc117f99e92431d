import type { ErrorCode } from '../protocols/errors.ts'

/** A handler of an actor; `on` is the type of the message, `init`: its start. */
export type HandlerSite = { readonly actor: string; readonly on: string }
export type InitSite = { readonly actor: string; readonly init: true }
/** What an actor runs beside its mailbox (`ctx.run`). */
export type EffectSite = { readonly effectsOf: string }
/** A method of a port that was made by `world.port(name, …)`. */
export type PortSite = { readonly port: string; readonly method: string }
/** A moment of simulated time, in ms from the start. */
export type ClockSite = { readonly clockAtMs: number }
export type FaultSite = HandlerSite | InitSite | EffectSite | PortSite | ClockSite

/** crash-before: the message was not looked at; crash-after: all was done and sent, but the new state is lost. */
export type InitFault = 'crash-before' | 'crash-after' | { readonly slowMs: number }
/** lost-reply: the handler runs, its answer goes nowhere. */
export type HandlerFault = InitFault | 'lost-reply'
/**
 * fail: nothing is done; fail-after: all was done, and it fails all the same; error: nothing is done, and it fails with an
 * error of the catalogue, such as ERR_DISK_FULL; hang: never settles, not even when aborted; late: what it would have given,
 * `lateMs` later.
 */
export type EffectFault = 'fail' | 'fail-after' | { readonly error: ErrorCode } | 'hang' | { readonly lateMs: number }
/** `now()` jumps by so much, forward or back; `monotonic()` does not. */
export type ClockFault = { readonly jumpMs: number }
export type FaultKind = HandlerFault | EffectFault | ClockFault

type KindAt<S extends FaultSite> = S extends HandlerSite
  ? HandlerFault
  : S extends InitSite
    ? InitFault
    : S extends ClockSite
      ? ClockFault
      : EffectFault

/** Something that goes wrong, where and how: plain data, so that it can be drawn, stored and replayed. */
export type Fault = {
  readonly site: FaultSite
  readonly kind: FaultKind
  /** The first occurrence that it strikes, from 1. */
  readonly nth: number
  /** How many it strikes from there on. */
  readonly times: number | 'always'
}

/**
 * Describes a fault for `simulate`. The wrappers of the simulation apply it: nothing in the kernel knows of faults.
 * @param options.nth the occurrence of that site that it strikes first. @defaultValue 1
 * @param options.times how many it strikes. @defaultValue 1
 * @example fault({ actor: 'counter', on: 'add' }, 'crash-after', { nth: 3 })
 * @example fault({ port: 'store', method: 'append' }, { lateMs: 5_000 })
 * @example fault({ port: 'store', method: 'commit' }, { error: 'ERR_DISK_FULL' }, { times: 'always' })
 */
export const fault = <S extends FaultSite>(
  site: S,
  kind: KindAt<S>,
  { nth = 1, times = 1 }: { readonly nth?: number; readonly times?: number | 'always' } = {},
): Fault => ({ site, kind, nth, times })
