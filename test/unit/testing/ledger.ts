import { type ActorDefinition, defineActor } from '../../../src/kernel/types.ts'
import { type SupervisorSpec, worker } from '../../../src/kernel/child-spec.ts'
import type { Simulation, SimulationStep } from '../../../src/testing/simulate.ts'
import type { World } from '../../../src/testing/simulated-world.ts'

/** A port of the outside, and an actor that writes to it: what a user of the kit may have. */
export type Disk = { append(line: string): Promise<number>; count(): number }

type LedgerProtocol = {
  book: { message: { amount: number }; reply: { balance: number } }
  slowly: { message: { amount: number } }
  $written: { message: { lines: number } }
  $failed: { message: { error: unknown } }
}
type State = { readonly disk: Disk; readonly balance: number; readonly lines: number; readonly failures: number }

const ledger = (clock: World['clock']): ActorDefinition<LedgerProtocol, State, Disk> =>
  defineActor<LedgerProtocol, State, Disk>({
    kind: 'ledger',
    init: (_ctx, disk) => ({ disk, balance: 0, lines: disk.count(), failures: 0 }),
    on: {
      book: (ctx, state, { amount }, reply) => {
        const balance = state.balance + amount
        ctx.run(() => state.disk.append(String(amount)), {
          done: ['$written', (lines) => ({ lines })],
          failed: ['$failed', (error) => ({ error })],
        })
        reply({ balance })
        return { ...state, balance }
      },
      slowly: async (_ctx, state, { amount }) => {
        await new Promise<void>((resolve) => void clock.setTimer(20, resolve))
        return { ...state, balance: state.balance + amount }
      },
      $written: (_ctx, state, { lines }) => ({ ...state, lines: state.lines + lines }),
      $failed: (_ctx, state) => ({ ...state, failures: state.failures + 1 }),
    },
  })

/** Lines that were written, for one run. */
export const memoryDisk = (): Disk & { readonly lines: string[] } => {
  const lines: string[] = []
  return { lines, append: (line) => Promise.resolve(lines.push(line)), count: () => lines.length }
}

const ledgerTree = (world: World, count: number = 3): SupervisorSpec => ({
  type: 'supervisor',
  name: 'root',
  strategy: 'rest_for_one',
  intensity: { restarts: 5, withinMs: 1_000 },
  children: Array.from({ length: count }, (_, index) => worker(`ledger-${index}`, ledger(world.clock), world.port('disk', memoryDisk()))),
})

const bookings: readonly SimulationStep[] = [
  { do: 'tell', to: 'ledger-0', type: 'slowly', message: { amount: 1 } },
  { do: 'tell', to: 'ledger-1', type: 'slowly', message: { amount: 2 } },
  { do: 'ask', to: 'ledger-2', type: 'book', message: { amount: 3 } },
  { do: 'ask', to: 'ledger-0', type: 'book', message: { amount: 4 } },
  { do: 'advance', ms: 30 },
  { do: 'ask', to: 'nobody', type: 'book', message: { amount: 5 } },
  { do: 'ask', to: 'ledger-0', type: 'book', message: { amount: 6 } },
  { do: 'ask', to: 'ledger-1', type: 'book', message: { amount: 7 } },
  { do: 'tell', to: 'ledger-1', type: 'slowly', message: { amount: 8 } },
  { do: 'ask', to: 'ledger-2', type: 'book', message: { amount: 9 } },
  { do: 'settle' },
]

export const ledgerRun = (seed: number, more: Partial<Simulation> = {}): Simulation => ({
  seed,
  tree: (world) => ledgerTree(world),
  steps: bookings,
  ...more,
})
