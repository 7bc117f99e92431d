import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { createProcessTable } from '../src/adapters/process-table.ts'
import { systemClock } from '../src/adapters/system/system-clock.adapter.ts'
import { connect } from '../src/client/index.ts'
import { ORCHESTRATOR_NODE_ARGS, startInBackground, stopRunning } from '../src/runtime/service/background.ts'
import type { Case, Samples, Suite } from './harness.ts'
import { residentMegabytes } from './pty-subjects.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '..')

const SHELLS = 20
const SHELL = '/bin/sh'
/** Less than this cannot be told from nothing: the ratio to a process that does nothing would be infinite. % of a core */
const LEAST_SHARE = 0.01

/** CPU time of all its threads so far, in ms. Source: proc_pid_schedstat, first field, in ns; ticks of `stat` are 10 ms each */
const cpuMs = async (pid: number): Promise<number> => {
  const threads = await readdir(`/proc/${pid}/task`)
  const times = await Promise.all(threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').catch(() => '0')))
  return times.reduce((sum, text) => sum + Number.parseInt(text, 10) / 1e6, 0)
}

/** A Node process with as many shells on terminals, and nothing else. */
const bareShells = async () => {
  const script = `
    const pty = require('node-pty')
    const shells = Array.from({ length: ${SHELLS} }, () => pty.spawn('${SHELL}', [], { cols: 120, rows: 30 }))
    for (const shell of shells) shell.onData(() => {})
    process.on('SIGTERM', () => { for (const shell of shells) shell.kill('SIGKILL'); process.exit() })
    console.log('ready')`
  const child = spawn(process.execPath, ['-e', script], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  return {
    pid: child.pid ?? 0,
    close: async (): Promise<void> => {
      child.kill('SIGTERM')
      await once(child, 'exit')
    },
  }
}

/** `signalbox up`, built, with as many lanes and a shell in each. */
const orchestrator = async () => {
  await run(process.execPath, [join(root, 'script/build.ts')])
  const base = await mkdtemp(join(tmpdir(), 'signalbox-bench-'))
  const workspace = join(base, 'repository')
  await run('git', ['init', '--quiet', '--initial-branch=main', workspace])
  const identity = ['-c', 'user.name=bench', '-c', 'user.email=bench@example.invalid']
  await run('git', ['-C', workspace, ...identity, 'commit', '--quiet', '--allow-empty', '-m', 'start'])
  const log = join(base, 'orchestrator.log')
  const env = { ...process.env, XDG_STATE_HOME: join(base, 'state'), XDG_CONFIG_HOME: join(base, 'config'), XDG_RUNTIME_DIR: base }
  const parts = { clock: systemClock, table: createProcessTable() }
  const place = { commonDir: join(workspace, '.git'), root: workspace }
  const argv = [process.execPath, ...ORCHESTRATOR_NODE_ARGS, join(root, 'bin/signalbox.js'), 'orchestrator', '--', log]
  const { record } = await startInBackground(place, argv, env, log, parts)
  const close = async (): Promise<void> => {
    await stopRunning(place, record, false, () => {}, parts)
    await rm(base, { recursive: true, force: true })
  }
  try {
    await using client = await connect(record.socket)
    for (let count = 1; count <= SHELLS; count += 1) {
      const lane = `lane-${count}`
      await client.call('lane.create', { name: lane })
      await client.call('terminal.spawn', { lane, command: [SHELL] })
    }
  } catch (error) {
    await close()
    throw error
  }
  return { pid: record.pid, close }
}

/** What an orchestrator costs that has nothing to do, beside a bare Node process that holds as many shells. */
export const idleOrchestrator = async (smoke: boolean): Promise<Pick<Suite, 'cases' | 'close'>> => {
  if (process.platform !== 'linux') return { cases: [], close: async () => {} }
  const windowMs = smoke ? 2_000 : 10_000
  const bare = await bareShells()
  const { pid, close } = await orchestrator().catch(async (error: unknown) => {
    await bare.close()
    throw error
  })
  const share = async (of: number): Promise<Samples> => {
    const [before, began] = [await cpuMs(of), performance.now()]
    await pause(windowMs)
    const percent = (100 * ((await cpuMs(of)) - before)) / (performance.now() - began)
    return [Math.max(LEAST_SHARE, percent)]
  }
  const memory = (of: number): Promise<Samples> => Promise.resolve([residentMegabytes(of)])
  const lower = { better: 'lower', rounds: 3 } satisfies Partial<Case>
  return {
    cases: [
      { name: 'idle-cpu', unit: '%', ...lower, most: 1, ours: () => share(pid), baseline: () => share(bare.pid) },
      { name: 'idle-rss', unit: 'MB', ...lower, most: 120, ours: () => memory(pid), baseline: () => memory(bare.pid) },
    ],
    close: async () => {
      await close()
      await bare.close()
    },
  }
}
