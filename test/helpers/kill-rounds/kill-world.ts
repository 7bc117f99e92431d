import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createCgroups } from '../../../src/adapters/cgroups.ts'
import { createProcessTable } from '../../../src/adapters/process-table.ts'
import { connect, type ControlClient } from '../../../src/client/index.ts'
import type { ProcessIdentity, ProcessTable } from '../../../src/ports/process-table.port.ts'
import { type HostRecord, readHostRecord } from '../../../src/runtime/host/host-record.ts'
import { type OrchestratorRecord, readRecord } from '../../../src/runtime/service/orchestrator-record.ts'
import { type CliWorld, makeCliWorld, until } from '../cli.ts'
import { Broken } from './seen-output.ts'

/** Of commands that are asked to end: what ignores that is killed after it. ms */
const GRACE_MS = 200

type Marked = { readonly pid: number; readonly startTime: string; readonly ptyId: string }

/** A repository with the orchestrator and the terminal host that `signalbox up` starts there, and what can be seen of them from outside. */
export class KillWorld {
  readonly table: ProcessTable = createProcessTable()
  readonly #cli: CliWorld
  readonly #runtimeDirectory: string
  readonly #met = new Map<string, ProcessIdentity>()
  #client: ControlClient | null = null

  private constructor(cli: CliWorld, runtimeDirectory: string) {
    this.#cli = cli
    this.#runtimeDirectory = runtimeDirectory
  }

  /** @param bin the command; another than that of this repository holds a planted bug */
  static async open(bin?: string): Promise<KillWorld> {
    const cli = await makeCliWorld(bin === undefined ? {} : { bin })
    const runtimeDirectory = mkdtempSync(join(tmpdir(), 'signalbox-run-'))
    Object.assign(cli.env, {
      XDG_RUNTIME_DIR: runtimeDirectory,
      XDG_CONFIG_HOME: runtimeDirectory,
      SIGNALBOX_COMMAND_GRACE_MS: String(GRACE_MS),
    })
    return new KillWorld(cli, runtimeDirectory)
  }

  get #commonDir(): string {
    return join(this.#cli.repo.root, '.git')
  }

  get #workspaceId(): string {
    return readFileSync(join(this.#commonDir, 'signalbox/workspace'), 'utf8').trim()
  }

  orchestrator(): OrchestratorRecord | null {
    return readRecord(this.#commonDir, this.table).living
  }

  host(): HostRecord | null {
    return readHostRecord(this.#commonDir, this.table)
  }

  /** `signalbox up`, and a connection. */
  async up(): Promise<void> {
    const { code, stderr } = await this.#cli.run(['up'])
    if (code !== 0) throw new Broken(`signalbox up ended with ${code}: ${stderr}${await this.logs()}`)
    await this.client()
  }

  /** `signalbox up`, whatever becomes of it. */
  async tryUp(): Promise<void> {
    await this.#cli.run(['up']).catch(() => undefined)
  }

  /** The connection to the orchestrator that runs. */
  async client(): Promise<ControlClient> {
    const running = this.orchestrator()
    if (running === null) throw new Error('no orchestrator runs')
    if (this.#client?.server.pid === running.pid) return this.#client
    this.#client?.close()
    this.#client = await connect(running.socket, { name: 'rounds of kills', timeoutMs: 60_000 })
    return this.#client
  }

  /** kill -9. @returns once it is gone */
  async kill(victim: ProcessIdentity | null): Promise<void> {
    if (victim === null || !this.table.isAlive(victim)) return
    process.kill(victim.pid, 'SIGKILL')
    await until(`process ${victim.pid} is gone`, () => !this.table.isAlive(victim))
  }

  /** Every living process with a mark of this repository, by the environments in /proc. */
  marked(): readonly Marked[] {
    const mark = `SIGNALBOX_MARK=${this.#workspaceId}/`
    const found = readdirSync('/proc').flatMap((name): Marked[] => {
      const identity = /^\d+$/u.test(name) ? this.table.identify(Number(name)) : null
      if (identity === null) return []
      const entry = environmentOf(name).find((each) => each.startsWith(mark))
      if (entry === undefined) return []
      this.#met.set(`${name}:${identity.startTime}`, identity)
      return [{ pid: identity.pid, startTime: identity.startTime, ptyId: entry.slice(mark.length).split('/')[0] ?? '' }]
    })
    return found
  }

  /** Waits until the processes with our marks are those of these PTYs. @throws Broken */
  async onlyMarkedBy(ptyIds: ReadonlySet<string>): Promise<void> {
    const others = (): readonly Marked[] => this.marked().filter(({ ptyId }) => !ptyIds.has(ptyId))
    await until('nothing else runs', () => others().length === 0).catch(() => {
      throw new Broken(
        `survivors: ${others()
          .map(({ pid, ptyId }) => `${pid} (${commandOf(pid)}) of ${ptyId}`)
          .join(', ')}`,
      )
    })
  }

  /** What the descriptors of a process lead to. */
  descriptors(pid: number): readonly string[] {
    return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return [readlinkSync(`/proc/${pid}/fd/${fd}`)]
      } catch {
        return [] // closed meanwhile
      }
    })
  }

  /** `signalbox down`, after which nothing may be left. @throws Broken */
  async down(): Promise<void> {
    this.marked()
    this.#client?.close()
    const { code, stderr } = await this.#cli.run(['down'])
    if (code !== 0) throw new Broken(`signalbox down ended with ${code}: ${stderr}`)
    await this.onlyMarkedBy(new Set())
    const alive = [...this.#met.values()].filter((identity) => this.table.isAlive(identity))
    if (alive.length > 0) throw new Broken(`survivors: ${alive.map(({ pid }) => `${pid} (${commandOf(pid)})`).join(', ')}`)
    await until('the terminal host is gone', () => this.host() === null)
    const groups = await createCgroups().find(`${this.#workspaceId}/`)
    if (groups.length > 0) throw new Broken(`control groups are left: ${groups.flatMap(({ directories }) => directories).join(', ')}`)
    const files = [this.#runtimeDirectory, join(this.#commonDir, 'signalbox')].flatMap((directory) =>
      readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) => /\.(?:sock|json)(?:\.\d+)?$|^owners\/./u.test(name)),
    )
    if (files.length > 0) throw new Broken(`sockets or records are left: ${files.join(', ')}`)
  }

  /** Processes that were met in all rounds. */
  get metProcesses(): number {
    return this.#met.size
  }

  /** The last lines of what the orchestrators wrote. */
  async logs(): Promise<string> {
    const { stdout } = await this.#cli.run(['logs'])
    return `\n${stdout.split('\n').slice(-20).join('\n')}`
  }

  async cleanup(): Promise<void> {
    this.#client?.close()
    await this.#cli.run(['down']).catch(() => undefined)
    for (const victim of [this.orchestrator(), this.host()]) await this.kill(victim)
    for (const { pid, startTime } of this.marked()) if (this.table.identify(pid)?.startTime === startTime) process.kill(pid, 'SIGKILL')
    await this.#cli.cleanup()
    rmSync(this.#runtimeDirectory, { recursive: true, force: true })
  }
}

const environmentOf = (pid: string): readonly string[] => {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0')
  } catch {
    return []
  }
}

const commandOf = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim().slice(0, 60)
  } catch {
    return 'ended'
  }
}
