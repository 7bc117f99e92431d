import type { ChildSpec, SupervisorSpec, WorkerSpec } from '../../../src/kernel/child-spec.ts'
import type { Registry } from '../../../src/kernel/registry.ts'
import { type ActorContext, type Handler, named } from '../../../src/kernel/types.ts'
import { until } from './run-kit.ts'

type Anything = Record<string, { message: object }>
type Planted = {
  readonly kind: string
  readonly name: string
  readonly incarnation: number
  readonly args: unknown
  readonly ctx: ActorContext<Anything>
}

/** Actors that can be made to crash from outside, whenever a test likes. */
export type Saboteur = {
  /** Given to the runtime as `decorators.tree`. */
  readonly tree: (spec: SupervisorSpec) => SupervisorSpec
  /** The actors of a kind that have been started, oldest first; all incarnations. */
  started(kind: string): readonly Planted[]
  /** Makes the newest actor of this kind, or of this name, throw in a handler. @returns its name */
  crash(kindOrName: string): string
  /** Ends the supervisor of this name as its own crash does, or at once, as only the kernel can. */
  crashSupervisor(name: string, how: 'crashed' | 'killed'): void
  /** From now on, this many starts of a kind throw in init. */
  failStarts(kind: string, times: number): void
}

export const createSaboteur = (): Saboteur => {
  const planted: Planted[] = []
  const failing = new Map<string, number>()
  const around = (spec: ChildSpec): ChildSpec => (spec.type === 'worker' ? aroundWorker(spec) : aroundSupervisor(spec))
  const aroundSupervisor = (spec: SupervisorSpec): SupervisorSpec => ({
    ...spec,
    ...(spec.children !== undefined && { children: spec.children.map(around) }),
  })
  const aroundWorker = (spec: WorkerSpec): WorkerSpec => {
    const { kind, init, on } = spec.definition
    const crash: Handler<Anything, unknown, string> = () => {
      throw new TypeError(`planted crash of ${spec.name}`)
    }
    const definition: WorkerSpec['definition'] = {
      ...spec.definition,
      init: async (ctx, args) => {
        planted.push({ kind, name: spec.name, incarnation: ctx.self.incarnation, args, ctx })
        const left = failing.get(kind) ?? 0
        if (left > 0) {
          failing.set(kind, left - 1)
          throw new TypeError(`planted failure to start ${spec.name}`)
        }
        return init(ctx, args)
      },
      on: { ...on, $planted: crash },
    }
    return { ...spec, definition }
  }
  return {
    tree: aroundSupervisor,
    started: (kind) => planted.filter((actor) => actor.kind === kind),
    crash(kindOrName) {
      const actor = planted.findLast(({ kind, name }) => kind === kindOrName || name === kindOrName)
      if (actor === undefined) throw new Error(`no actor ${kindOrName} was started`)
      actor.ctx.tell(actor.ctx.self, '$planted', {})
      return actor.name
    },
    crashSupervisor(name, how) {
      // one that has ended can say nothing
      const { ctx } = planted.findLast((actor) => !actor.ctx.signal.aborted) ?? {}
      if (ctx === undefined) throw new Error('no actor runs')
      if (how === 'killed') registryOf(ctx).lookup(name)?.kill()
      else ctx.tell(named<Anything>(name), '$planted', {})
    },
    failStarts: (kind, times) => void failing.set(kind, times),
  }
}

/** What no actor may do: the kernel's own table of incarnations. */
const registryOf = (ctx: ActorContext<Anything>): Registry => (ctx as unknown as { kernel: { registry: Registry } }).kernel.registry

/** Crashes the newest actor of a kind, `times` in a row, each time its next incarnation. */
export const crashRepeatedly = async (saboteur: Saboteur, kind: string, times: number): Promise<void> => {
  for (let count = 1; count <= times; count += 1) {
    const before = saboteur.started(kind).length
    saboteur.crash(kind)
    if (count < times) await until(`${kind} is restarted`, () => saboteur.started(kind).length > before)
  }
}
