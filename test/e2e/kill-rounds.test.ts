import { describe, expect, it } from 'vitest'
import { type Kind, type KillRoundsOptions, runKillRounds } from '../helpers/kill-rounds/kill-rounds.ts'
import { type PlantedBug, withPlanted } from '../helpers/planted-product.ts'

const ROUNDS = 30
const seed = Number(process.env['SIGNALBOX_SEED'] ?? Date.now() % 1_000_000)
/** To begin with the round that failed. */
const from = Number(process.env['SIGNALBOX_ROUND'] ?? 1)

describe('random rounds of kill -9 and other ends, under load', () => {
  it(`${ROUNDS} of ${ROUNDS}: no output lost before an acknowledged offset, no input applied twice, no survivor [PTY-5, PTY-7, PTY-9, PTY-14, PTY-17]`, async () => {
    console.log(`kill rounds: seed ${seed} (SIGNALBOX_SEED=${seed} repeats it)`)
    const report = await runKillRounds({ seed, from, rounds: from + ROUNDS - 1 })
    console.log(`kill rounds: ${JSON.stringify(report)}`)
    expect(report.rounds).toBe(ROUNDS)
    expect(report.inputs).toBeGreaterThan(ROUNDS)
  }, 600_000)
})

type Planted = PlantedBug & { readonly name: string; readonly kinds: readonly Kind[]; readonly told: RegExp }

/** Rounds within which a planted bug must show. */
const ENOUGH = 20
const PLANTED: readonly Planted[] = [
  {
    name: 'offsets are one too large once a terminal was taken over',
    file: 'terminal-host/host-server.js',
    from: 'entry.owner = owner;',
    to: `{
      entry.owner = owner;
      const { pty } = entry;
      const cursor = pty.cursor.bind(pty);
      pty.cursor = (...given) => {
        const made = cursor(...given);
        const peek = made.peek.bind(made);
        made.peek = () => {
          const chunk = peek();
          return chunk !== null && 'bytes' in chunk ? { offset: chunk.offset + 1, bytes: chunk.bytes } : chunk;
        };
        return made;
      };
    }`,
    kinds: ['kill orchestrator'],
    told: /is not what it was|is not what was seen|was given up, though|was missed/u,
  },
  {
    name: 'what is left of a process tree is left alone',
    file: 'terminal-host/survivors.js',
    from: 'if (first?.length === 0)',
    to: 'if (true)',
    kinds: ['close', 'exit'],
    told: /survivors: \d+/u,
  },
  {
    name: 'terminals end with their orchestrator',
    file: 'terminal-host/host-server.js',
    from: 'this.#connections.delete(connection);',
    to: `this.#connections.delete(connection); for (const { pty } of this.#entries.all()) void pty.terminate({ graceMs: 0, askedBy: 'a bug' });`,
    kinds: ['kill orchestrator'],
    // or, where somebody asked for it first
    told: /is not there any more, though nobody ended it|runs nothing now/u,
  },
  {
    name: 'keys of input are forgotten',
    file: 'terminal-host/input-receipts.js',
    from: 'const entry = this.#entries.get(key);',
    to: 'const entry = undefined;',
    kinds: ['write'],
    told: /was applied 2 times/u,
  },
  {
    name: 'the log of a terminal that has ended stays open',
    file: 'terminal-host/log-writer.js',
    from: 'await this.#attempt(async () => await handle?.close());',
    to: 'globalThis.open = [...(globalThis.open ?? []), handle];',
    kinds: ['close', 'exit'],
    told: /the host has \d+ descriptors, and had \d+/u,
  },
]

const failureOf = async (options: Omit<KillRoundsOptions, 'seed' | 'rounds'>): Promise<string> =>
  runKillRounds({ seed, rounds: ENOUGH, ...options }).then(
    () => 'all rounds passed',
    (error: unknown) => (error as Error).message,
  )

describe('these rounds find out', () => {
  it.each(PLANTED)(
    '$name [Q-2]',
    async ({ kinds, told, ...bug }) => {
      await withPlanted(bug, async (bin) => expect(await failureOf({ bin, kinds })).toMatch(told))
    },
    300_000,
  )

  it('input that is sent again without its key [Q-2]', async () => {
    expect(await failureOf({ kinds: ['write'], withKeys: false })).toMatch(
      /was applied 2 times[\s\S]*SIGNALBOX_SEED=\d+ SIGNALBOX_ROUND=\d+/u,
    )
  }, 300_000)
})
