import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../cli.ts'
import { seededRandom } from '../seeded-random.ts'
import { KillWorld } from './kill-world.ts'
import { LoadTerminal } from './load-terminal.ts'
import { Broken } from './seen-output.ts'

const TERMINALS = 3
/** Terminals that the host opens ahead. */
const PREWARMED = 2
/** Equal looks at the descriptors of a host that make it one at rest. */
const RESTING_LOOKS = 10
/** Within which all of a round is begun. ms */
const SPREAD_MS = 250
/** A lane is removed, with all that runs in it, after so many rounds. */
const ROUNDS_PER_LANE = 25

const KINDS = ['kill orchestrator', 'kill host', 'kill both', 'kill its successor', 'close', 'resize', 'write', 'exit'] as const
export type Kind = (typeof KINDS)[number]
/** What may come beside another. */
const BESIDE: readonly Kind[] = ['close', 'resize', 'write', 'exit']

export type KillRoundsOptions = {
  readonly seed: number
  /** The last round. */
  readonly rounds: number
  /** The first one: what a round does depends on the seed and its number alone. @defaultValue 1 */
  readonly from?: number
  /** @defaultValue all */
  readonly kinds?: readonly Kind[]
  /** The command. @defaultValue that of this repository */
  readonly bin?: string
  /** Whether input is sent with keys. @defaultValue true */
  readonly withKeys?: boolean
  readonly log?: (text: string, round: number) => void
}

export type KillRoundsReport = {
  readonly rounds: number
  readonly did: Readonly<Record<string, number>>
  readonly terminals: number
  readonly inputs: number
  readonly outputBytes: number
  /** Bytes that readers had and the logs of hosts that were killed lack. */
  readonly logShort: number
  /** Processes with our marks that were seen. */
  readonly processes: number
}

/** Draws of one round. */
class Dice {
  readonly #next: () => number

  constructor(seed: number, round: number) {
    this.#next = seededRandom(Math.imul(seed ^ (round * 0x9e_37_79_b1), 0x85_eb_ca_6b))
    this.#next()
  }

  /** @returns a whole number from 0 to below `end` */
  below(end: number): number {
    return Math.floor(this.#next() * end)
  }

  among<T>(all: readonly T[]): T {
    return all[this.below(all.length)] as T
  }

  chance(share: number): boolean {
    return this.#next() < share
  }
}

class Rounds {
  readonly #world: KillWorld
  readonly #options: KillRoundsOptions
  readonly #did: Record<string, number> = {}
  #terminals: LoadTerminal[] = []
  #spawned = 0
  #totals = { inputs: 0, outputBytes: 0, logShort: 0 }
  #lane = ''
  #lanes = 0
  /** Of the host that runs: its pid, and what descriptors it had when all was at rest first. */
  #rested: { readonly pid: number; readonly descriptors: readonly string[] } | null = null

  constructor(world: KillWorld, options: KillRoundsOptions) {
    this.#world = world
    this.#options = options
  }

  readonly #startTimeOf = (pid: number): string | undefined => this.#world.table.identify(pid)?.startTime

  get report(): KillRoundsReport {
    const { inputs, outputBytes, logShort } = this.#totals
    const { rounds, from = 1 } = this.#options
    return {
      rounds: rounds - from + 1,
      did: this.#did,
      terminals: this.#spawned,
      inputs,
      outputBytes,
      logShort,
      processes: this.#world.metProcesses,
    }
  }

  async run(round: number): Promise<void> {
    const dice = new Dice(this.#options.seed, round)
    const first = dice.among(this.#options.kinds ?? KINDS)
    const kinds = dice.chance(0.5) ? [first, dice.among(BESIDE)] : [first]
    try {
      if (this.#lane === '') await this.#nextLane()
      await this.#fill(dice)
      await this.#act(kinds, dice)
      await this.#settle(dice)
      if ((round - (this.#options.from ?? 1) + 1) % ROUNDS_PER_LANE === 0) await this.#endLane()
    } catch (error) {
      const { seed } = this.#options
      const what = error instanceof Error ? error.message : String(error)
      const logs = error instanceof Broken ? '' : await this.#world.logs().catch(() => '')
      throw new Error(
        `round ${round} of seed ${seed} (${kinds.join(', ')}): ${what}${logs}\nagain: SIGNALBOX_SEED=${seed} SIGNALBOX_ROUND=${round}`,
        {
          cause: error,
        },
      )
    }
    for (const kind of kinds) this.#did[kind] = (this.#did[kind] ?? 0) + 1
    this.#options.log?.(`round ${round}: ${kinds.join(', ')}`, round)
  }

  /** Ends all. @throws Broken where something is left */
  async end(): Promise<void> {
    for (const terminal of this.#terminals) this.#count(terminal)
    await this.#world.down()
  }

  async #nextLane(): Promise<void> {
    this.#lanes += 1
    this.#lane = `load-${this.#lanes}`
    await (await this.#world.client()).call('lane.create', { name: this.#lane })
  }

  async #endLane(): Promise<void> {
    for (const terminal of this.#terminals) {
      terminal.leave()
      this.#count(terminal)
    }
    this.#terminals = []
    await (await this.#world.client()).call('lane.remove', { lane: this.#lane })
    await this.#world.onlyMarkedBy(new Set())
    this.#lane = ''
  }

  #count({ inputs, seenBytes, logShort }: LoadTerminal): void {
    this.#totals = {
      inputs: this.#totals.inputs + inputs,
      outputBytes: this.#totals.outputBytes + seenBytes,
      logShort: this.#totals.logShort + logShort,
    }
  }

  async #fill(dice: Dice): Promise<void> {
    const client = await this.#world.client()
    while (this.#terminals.length < TERMINALS) {
      this.#spawned += 1
      const load = { burst: 1 + dice.below(200), isStubborn: dice.chance(0.3) }
      const options = { name: `t${this.#spawned}`, lane: this.#lane, withKeys: this.#options.withKeys ?? true, ...load }
      this.#terminals.push(await LoadTerminal.spawn(client, options, this.#startTimeOf))
    }
    await this.#atRest()
  }

  /** The host has no more descriptors than when it held as many terminals before. */
  async #atRest(): Promise<void> {
    const { pid } = this.#world.host() ?? { pid: 0 }
    const now = (): readonly string[] => this.#world.descriptors(pid)
    const masters = (): number => now().filter((path) => path.endsWith('ptmx')).length
    await until('the host holds its terminals, and those that it opens ahead', () => masters() === TERMINALS + PREWARMED).catch(() => {
      throw new Broken(`the host holds ${masters()} terminals, of which ${TERMINALS} run: ${now().join(', ')}`)
    })
    if (this.#rested?.pid !== pid) {
      // A terminal that is opened ahead comes with a connection, a moment later.
      let [seen, looks] = [0, 0]
      const isSame = (count: number): boolean => ((looks = count === seen ? looks + 1 : 0), (seen = count), looks >= RESTING_LOOKS)
      await until('the host is at rest', () => isSame(now().length))
      this.#rested = { pid, descriptors: now() }
    }
    const { descriptors } = this.#rested
    await until('the host has as few descriptors as before', () => now().length <= descriptors.length).catch(() => {
      const more = now().filter((path) => !descriptors.includes(path))
      throw new Broken(`the host has ${now().length} descriptors, and had ${descriptors.length} with as many terminals: ${more.join(', ')}`)
    })
  }

  /** Does all of a round at random moments, while input comes to every terminal. */
  async #act(kinds: readonly Kind[], dice: Dice): Promise<void> {
    const client = await this.#world.client()
    const acts: Promise<void>[] = []
    const later = (act: () => Promise<void>): void => {
      const ms = dice.below(SPREAD_MS)
      acts.push(sleep(ms).then(act))
    }
    for (const terminal of this.#terminals) for (let count = dice.below(6); count > 0; count -= 1) later(() => terminal.type(client))
    for (const kind of kinds) {
      const terminal = dice.among(this.#terminals)
      // drawn now, as what happens later comes in any order
      const [one, other, isFirst] = [dice.below(300), dice.below(300), dice.chance(0.5)]
      later(() => this.#do(kind, terminal, { one, other, isFirst }))
    }
    const failed = (await Promise.allSettled(acts)).find((act) => act.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }

  async #do(
    kind: Kind,
    terminal: LoadTerminal,
    draw: { readonly one: number; readonly other: number; readonly isFirst: boolean },
  ): Promise<void> {
    const world = this.#world
    const client = await world.client().catch(() => null)
    const isEnding = terminal.fate.closing !== 'no' || terminal.fate.exitCode !== null
    switch (kind) {
      case 'kill orchestrator':
        return world.kill(world.orchestrator())
      case 'kill host':
        return this.#killHost()
      case 'kill both': {
        const kills = [() => world.kill(world.orchestrator()), () => this.#killHost()]
        if (draw.isFirst) kills.reverse()
        await Promise.all(kills.map((kill) => kill()))
        return
      }
      case 'kill its successor': {
        await world.kill(world.orchestrator())
        const starting = world.tryUp()
        await sleep(2 * (draw.one + draw.other))
        await world.kill(world.orchestrator())
        return starting
      }
      case 'close':
        return isEnding || client === null ? undefined : terminal.close(client, draw.isFirst ? 0 : draw.one)
      case 'exit':
        return isEnding || client === null ? undefined : terminal.exit(client, draw.one % 100)
      case 'resize':
        return isEnding || client === null ? undefined : terminal.resize(client, 20 + draw.one, 5 + (draw.other % 100))
      case 'write':
        if (client !== null) await Promise.all(Array.from({ length: 40 }, () => terminal.type(client)))
    }
  }

  async #killHost(): Promise<void> {
    for (const { fate } of this.#terminals) fate.mayBeLost = true
    await this.#world.kill(this.#world.host())
  }

  async #settle(dice: Dice): Promise<void> {
    if (this.#world.orchestrator()?.state !== 'ready') await this.#world.up()
    const client = await this.#world.client()
    const again = (): boolean => dice.chance(0.3)
    const lives = await Promise.all(this.#terminals.map((terminal) => terminal.settle(client, again, this.#startTimeOf)))
    for (const [index, terminal] of this.#terminals.entries()) if (lives[index] === false) this.#count(terminal)
    this.#terminals = this.#terminals.filter((_, index) => lives[index] === true)
    await this.#world.onlyMarkedBy(new Set(this.#terminals.map(({ ptyId }) => ptyId)))
  }
}

/**
 * Rounds in which the orchestrator, the terminal host or both are killed, or terminals closed, resized, written to or ended
 * by their programs, at random moments under load. After each, and at the end, what was promised is looked at from outside.
 * @throws Error that names the round, its seed and how to run it again
 */
export const runKillRounds = async (options: KillRoundsOptions): Promise<KillRoundsReport> => {
  const world = await KillWorld.open(options.bin)
  try {
    const rounds = new Rounds(world, options)
    await world.up()
    for (let round = options.from ?? 1; round <= options.rounds; round += 1) await rounds.run(round)
    await rounds.end()
    return rounds.report
  } finally {
    await world.cleanup()
  }
}
