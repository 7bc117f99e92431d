import fc from 'fast-check'
import { expect } from 'vitest'
import type { Clock } from '../src/ports/clock.port.ts'
import { type ActorContext, type DeadLetter, defineActor, named, type Overflow, type Target } from '../src/kernel/types.ts'
import { isSignalboxError } from '../src/protocols/errors.ts'
import { worker } from '../src/kernel/child-spec.ts'
import type { Engine } from '../src/testing/simulate.ts'
import { note } from '../src/testing/recording.ts'
import { engineProperty } from './engine-property.ts'
import type { Proven } from './proven.ts'

const ACTORS = 3
const HANDLER_LIMIT_MS = 50
const nameOf = (index: number): string => `actor-${index}`

/** What the handler of a message does: later, with a crash, beyond its limit, or by sending on, before or after a wait. */
type Work = {
  readonly id: number
  readonly waitMs: number
  readonly ends: 'well' | 'throws' | 'exits'
  readonly sends: { readonly to: number; readonly work: Work; readonly when: 'before' | 'after' } | null
}
type Protocol = { work: { message: Work; reply: number } }

type Step =
  | { readonly do: 'tell' | 'ask' | 'tell-first'; readonly to: number; readonly work: Work }
  | { readonly do: 'advance'; readonly ms: number }
  | { readonly do: 'settle' }
type Scenario = { readonly seed: number; readonly overflow: Overflow; readonly steps: readonly Step[] }

/** What was seen. `sent` and `handled` are in order; a message is settled by being handled, dead or refused. */
type Trace = {
  readonly sent: { readonly id: number; readonly from: string; readonly to: string }[]
  readonly begun: { readonly id: number; readonly actor: string }[]
  readonly settled: Map<number, string[]>
  readonly overlaps: string[]
  /** Incarnations whose handler runs, by name. */
  readonly inside: Map<string, string>
  readonly ended: Set<string>
  pendingAsks: number
}

const newTrace = (): Trace => ({
  sent: [],
  begun: [],
  settled: new Map(),
  overlaps: [],
  inside: new Map(),
  ended: new Set(),
  pendingAsks: 0,
})

const settle = (trace: Trace, id: number, how: string): void => {
  note(`message ${id} ${how}`)
  trace.settled.set(id, [...(trace.settled.get(id) ?? []), how])
}

const send = (trace: Trace, ctx: ActorContext<Protocol>, { to, work }: { to: number; work: Work }): void => {
  trace.sent.push({ id: work.id, from: ctx.self.id, to: nameOf(to) })
  try {
    ctx.tell(named<Protocol>(nameOf(to)), 'work', work)
  } catch {
    // Fenced: it must be a dead letter, which the trace shows.
  }
}

const finish = (trace: Trace, ctx: ActorContext<Protocol>, { id, ends, sends }: Work): null => {
  if (sends?.when === 'after') send(trace, ctx, sends)
  if (trace.inside.get(ctx.self.name) === ctx.self.id) trace.inside.delete(ctx.self.name)
  if (ends === 'throws') throw new Error('poison')
  // Given up meanwhile: the kernel must have said what became of the message.
  if (trace.ended.has(ctx.self.id)) return null
  settle(trace, id, 'handled')
  if (ends === 'exits') ctx.exit('normal')
  return null
}

const actor = (trace: Trace, clock: Clock, overflow: Overflow) =>
  defineActor<Protocol, null, null>({
    kind: 'actor',
    handlerLimitMs: HANDLER_LIMIT_MS,
    mailboxLimit: 4,
    overflow,
    init: () => null,
    on: {
      work: (ctx, _state, work, reply) => {
        const { name, id } = ctx.self
        const inside = trace.inside.get(name)
        if (inside !== undefined && !trace.ended.has(inside)) trace.overlaps.push(`${id} began while ${inside} was at work`)
        trace.inside.set(name, id)
        trace.begun.push({ id: work.id, actor: id })
        if (work.sends?.when === 'before') send(trace, ctx, work.sends)
        reply(work.id)
        if (work.waitMs === 0) return finish(trace, ctx, work)
        return new Promise<void>((resolve) => void clock.setTimer(work.waitMs, resolve)).then(() => finish(trace, ctx, work))
      },
    },
  })

const run = async ({ startSystem, SeededScheduler }: Engine, { seed, steps, overflow }: Scenario): Promise<Trace> => {
  const world = new SeededScheduler(seed)
  const trace = newTrace()
  const system = await startSystem({
    scheduler: world,
    clock: world.clock,
    random: world.random,
    root: {
      type: 'supervisor',
      name: 'root',
      strategy: 'one_for_one',
      intensity: { restarts: 1_000, withinMs: 1 },
      children: Array.from({ length: ACTORS }, (_, index) =>
        worker(nameOf(index), actor(trace, world.clock, overflow), null, {
          shutdown: 30,
          restart: index === 0 ? 'transient' : 'permanent',
        }),
      ),
    },
    observer: {
      exited: ({ name, incarnation, exit }) => {
        note(`exited ${name}$${incarnation} ${exit.reason}`)
        trace.ended.add(`${name}$${incarnation}`)
      },
      deadLetter: ({ message, reason }: DeadLetter) => settle(trace, (message as Work).id, reason),
    },
  })
  const first = Array.from({ length: ACTORS }, (_, index) => system.lookup<Protocol>(nameOf(index))!)
  const outside = (target: Target<Protocol>, work: Work): void => {
    trace.sent.push({
      id: work.id,
      from: 'outside',
      to: target.incarnation === undefined ? target.name : `${target.name}$${target.incarnation}`,
    })
    system.tell(target, 'work', work)
  }
  const ask = async (to: number, work: Work): Promise<void> => {
    trace.sent.push({ id: work.id, from: 'outside', to: nameOf(to) })
    trace.pendingAsks += 1
    const refused = await system.ask(named<Protocol>(nameOf(to)), 'work', work, { timeoutMs: 1_000_000 }).then(
      () => false,
      (error: unknown) => isRefusal(error, overflow),
    )
    trace.pendingAsks -= 1
    if (refused) settle(trace, work.id, 'refused')
  }
  for (const step of steps) {
    note(`step ${JSON.stringify(step)}`)
    if (step.do === 'advance') await world.advance(step.ms)
    else if (step.do === 'settle') await world.settle()
    else if (step.do === 'ask') void ask(step.to, step.work)
    else outside(step.do === 'tell' ? named<Protocol>(nameOf(step.to)) : first[step.to]!, step.work)
  }
  await world.settle()
  const stopped = system.stop()
  // Handlers that were given up go on beyond the end: what they do then must have no effect.
  await world.advance(10_000)
  await stopped
  return trace
}

/** At the door: these never became mail, nor dead letters. By code, as the engine may be another copy of the sources. */
const isRefusal = (error: unknown, overflow: Overflow): boolean => {
  const { code } = isSignalboxError(error) ? error : (error as { code?: string })
  return code === 'ERR_ACTOR_NOT_FOUND' || (code === 'ERR_MAILBOX_FULL' && overflow === 'reject')
}

const counted = (works: fc.Arbitrary<Step[]>): fc.Arbitrary<Step[]> =>
  works.map((steps) => {
    let id = 0
    const number = (work: Work): Work => ({ ...work, id: (id += 1), sends: work.sends && { ...work.sends, work: number(work.sends.work) } })
    return steps.map((step) => ('work' in step ? { ...step, work: number(step.work) } : step))
  })

const { work } = fc.letrec<{ work: Work; sends: Work['sends'] }>((tie) => ({
  work: fc.record({
    id: fc.constant(0),
    waitMs: fc.oneof(
      { weight: 4, arbitrary: fc.constant(0) },
      { weight: 2, arbitrary: fc.integer({ min: 1, max: 20 }) },
      fc.constantFrom(HANDLER_LIMIT_MS + 10),
    ),
    ends: fc.oneof({ weight: 6, arbitrary: fc.constant('well' as const) }, fc.constantFrom('throws' as const, 'exits' as const)),
    sends: fc.option(tie('sends') as fc.Arbitrary<NonNullable<Work['sends']>>, { depthSize: 'small', maxDepth: 2, nil: null }),
  }),
  sends: fc.record({ to: fc.nat(ACTORS - 1), work: tie('work'), when: fc.constantFrom('before' as const, 'after' as const) }),
}))

const to = fc.nat(ACTORS - 1)
const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constantFrom('tell' as const, 'ask' as const), to, work }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('tell-first' as const), to, work }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.constantFrom(1, 5, HANDLER_LIMIT_MS) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('settle' as const) }) },
)
const scenarios: fc.Arbitrary<Scenario> = fc.record({
  seed: fc.nat(),
  overflow: fc.constantFrom('reject' as const, 'drop-new' as const, 'drop-old' as const),
  steps: counted(fc.array(steps, { maxLength: 30, size: 'max' })),
})

const expectOrderPerSender = ({ sent, begun }: Trace): void => {
  const senders = new Map(sent.map(({ id, from }, at) => [id, { from, at }]))
  const last = new Map<string, number>()
  for (const { id, actor: receiver } of begun) {
    const { from, at } = senders.get(id)!
    const pair = `${from} → ${receiver}`
    expect(at, `${pair}: message ${id}`).toBeGreaterThan(last.get(pair) ?? -1)
    last.set(pair, at)
  }
}

/** A reference means one incarnation; a name, whoever has it. */
const expectRightReceiver = ({ sent, begun }: Trace): void => {
  const targets = new Map(sent.map(({ id, to: target }) => [id, target]))
  for (const { id, actor: receiver } of begun) expect([receiver, receiver.replace(/\$\d+$/, '')]).toContain(targets.get(id))
}

const cell = 'kernel/cell.ts'

export const kernelMessages: readonly Proven<Scenario>[] = engineProperty(
  'kernel',
  'handles each sender’s messages in order, one at a time, each handled or dead or refused exactly once, whatever crashes [SUP-2, SUP-7, SUP-8]',
  scenarios,
  async (engine, scenario) => {
    const trace = await run(engine, scenario)
    expectOrderPerSender(trace)
    expectRightReceiver(trace)
    expect(trace.overlaps).toEqual([])
    expect(trace.begun.length).toBe(new Set(trace.begun.map(({ id }) => id)).size)
    for (const { id } of trace.sent) expect(trace.settled.get(id), `message ${id}`).toHaveLength(1)
    expect(trace.pendingAsks).toBe(0)
  },
  {
    runs: 300,
    catches: [
      {
        name: 'user mail out of order',
        file: 'kernel/mailbox.ts',
        from: 'if (mail === undefined) return this.user?.shift()',
        to: 'if (mail === undefined) { if (this.user === null) return undefined; const [one, two, ...rest] = this.user.takeAll(); for (const mail of two && one ? [one, ...rest] : []) this.user.push(mail); return two ?? one }',
      },
      {
        name: 'promise of a handler not waited for',
        file: cell,
        from: 'if (pending !== undefined) return this.drainLater(pending, left - 1)',
        to: '',
      },
      {
        name: 'message handled twice',
        file: cell,
        from: 'this.current = user\n',
        to: `this.current = user
      if (user !== null && !('again' in user)) this.mailbox.addUser({ ...user, again: true } as never)
`,
      },
      { name: 'mail of an ended incarnation lost', file: cell, from: 'of waiting) {', to: 'of waiting.slice(1)) {' },
      { name: 'message of a killed handler lost', file: cell, from: 'if (this.current !== null) waiting.unshift(this.current)', to: '' },
      {
        name: 'poison counted again at the end',
        file: cell,
        from: '    this.current = null\n    this.kernel.deadLetter(this.ref, mail.type',
        to: '    this.kernel.deadLetter(this.ref, mail.type',
      },
      { name: 'no fence', file: 'kernel/context.ts', from: 'if (this.cell.isClosed) throw fenced(this.self)', to: '' },
      {
        name: 'old reference reaches the next incarnation',
        file: 'kernel/registry.ts',
        from: ' || target.incarnation === entry.incarnation)',
        to: ' || true)',
      },
      {
        name: 'overflow forgotten',
        file: 'kernel/kernel.ts',
        from: "this.deadLetter(lost === mail ? to : cell.ref, lost.type, lost.message, lost.from, 'full')",
        to: 'return',
      },
      {
        name: 'ask that lost its place left open',
        file: 'kernel/kernel.ts',
        from: 'lost.ask?.fail(mailboxFull(cell, lost.type))',
        to: '',
      },
      {
        name: 'oldest dropped and the new one too',
        file: 'kernel/mailbox.ts',
        from: 'if (lost === mail) return mail',
        to: 'return lost',
      },
      {
        name: 'asks left open at the end',
        file: cell,
        from: 'for (const ask of this.ties?.asks ?? []) ask.fail',
        to: 'for (const ask of []) (ask as never as { fail(error: unknown): void }).fail',
      },
    ],
  },
)
