import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createCgroups } from '../../../src/adapters/cgroups.ts'
import { createProcessTable } from '../../../src/adapters/process-table.ts'
import { registerOwner } from '../../../src/runtime/owners.ts'
import { composeRuntime } from '../../../src/runtime/runtime.ts'
import type { DoctorReport } from '../../../src/protocols/doctor.ts'
import { makeWorld, markedProcesses, type World } from '../../helpers/crash-world.ts'
import { gitTestEnv } from '../../helpers/git-repo.ts'
import {
  branchesOf,
  deadOwner,
  doctor,
  endGroup,
  environmentOf,
  findingOn,
  markedProcess,
  plant,
  told,
  until,
  withStore,
} from './planted.ts'

const run = promisify(execFile)
const DOCTOR = fileURLToPath(new URL('../../helpers/doctor-child.ts', import.meta.url))

describe('doctor --fix on processes', () => {
  let world: World
  const started: ChildProcess[] = []
  beforeEach(async () => {
    world = await makeWorld()
  })
  afterEach(async () => {
    for (const child of started.splice(0)) endGroup(child)
    await world.cleanup()
  })

  const start = async (workspaceId: string, mark: string, script?: string): Promise<number> => {
    const child = markedProcess(mark, script)
    started.push(child)
    const { pid } = child
    await until('the process shows its mark', async () => (await markedProcesses(workspaceId)).includes(pid ?? 0))
    return pid ?? 0
  }

  const { contain } = createCgroups().support()
  it.skipIf(!contain.ok)(
    `ends what wiped its environment by the control group that it is in, and removes the group${contain.ok ? '' : ` (skipped: ${contain.why})`} [PTY-15] [PTY-9]`,
    async () => {
      const { workspaceId } = await environmentOf(world)
      const mark = `${workspaceId}/pt_gone/1`
      const [procs = ''] = createCgroups().create(mark)?.joins ?? []
      const child = spawn('env', ['-i', '/bin/sh', '-c', `echo 0 > '${procs}'; exec /bin/sleep 3600`], { detached: true, stdio: 'ignore' })
      started.push(child)
      await until('it is in the group', async () => (await readFile(`/proc/${child.pid}/cmdline`, 'latin1')).startsWith('/bin/sleep'))
      const what = `process ${child.pid} (/bin/sleep 3600)`
      expect(findingOn(await doctor(world, false), what)).toMatchObject({ action: 'would-remove' })
      const report = await doctor(world)
      expect(findingOn(report, what)).toMatchObject({ action: 'removed' })
      expect(report.found).toContainEqual(
        expect.objectContaining({ kind: 'cgroup', action: 'removed', what: expect.stringContaining('pt_gone') }),
      )
      expect(existsSync(procs)).toBe(false)
    },
  )

  it.skipIf(!contain.ok)(
    `lists the dead that nobody waits for, with the parent that does not${contain.ok ? '' : ` (skipped: ${contain.why})`} [PTY-9]`,
    async () => {
      const { workspaceId } = await environmentOf(world)
      const group = createCgroups().create(`${workspaceId}/pt_dead/1`)
      const nurse = `import os, time, sys
pid = os.fork()
if pid == 0:
  open(sys.argv[1], 'w').write('0')
  os._exit(0)
os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
print(pid, flush=True)
time.sleep(3600)`
      const child = spawn('python3', ['-c', nurse, group?.joins[0] ?? ''], { detached: true, stdio: ['ignore', 'pipe', 'ignore'] })
      started.push(child)
      const pid = await new Promise<string>((resolve) => child.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString().trim())))
      const { found } = await doctor(world)
      expect(found).toContainEqual({
        kind: 'process',
        what: `process ${pid} (python3)`,
        why: expect.stringMatching(new RegExp(`^it has ended, and its parent ${child.pid} \\(.*python3 .*\\) does not wait for it$`, 'su')),
        action: 'left',
      })
    },
  )

  it('ends what carries our marker though it ignores SIGTERM, is stopped, or left its session [PTY-15] [PTY-9]', async () => {
    const { workspaceId } = await environmentOf(world)
    const ignoring = await start(workspaceId, `${workspaceId}/pt_gone/1`, "trap '' TERM HUP INT; while :; do sleep 0.2; done")
    const stopped = await start(workspaceId, `${workspaceId}/pt_gone/2`)
    process.kill(stopped, 'SIGSTOP')
    await start(workspaceId, `${workspaceId}/pt_gone/3`, 'setsid sh -c "while :; do sleep 0.2; done" & wait')
    const report = await doctor(world)
    expect(await markedProcesses(workspaceId)).toEqual([])
    const removed = report.found.filter(({ kind, action }) => kind === 'process' && action === 'removed').map(({ what }) => what)
    expect(removed.some((what) => what.startsWith(`process ${ignoring} `))).toBe(true)
    expect(removed.some((what) => what.startsWith(`process ${stopped} `))).toBe(true)
  })

  it('does not touch processes of another workspace, nor marks that only begin like ours [PTY-15]', async () => {
    const { workspaceId, ids } = await environmentOf(world)
    const other = ids.next('workspace')
    const foreign = await start(other, `${other}/pt_x/1`)
    const longer = await start(`${workspaceId}X`, `${workspaceId}X/pt_x/1`)
    expect((await doctor(world)).found).toEqual([])
    expect([await markedProcesses(other), await markedProcesses(`${workspaceId}X`)]).toEqual([[foreign], [longer]])
  })

  it('ends processes by their marker where the database was deleted, and finds the lanes in git [PTY-15] [LN-11]', async () => {
    const clean = await plant(world, 'clean')
    const dirty = await plant(world, 'dirty')
    await writeFile(join(dirty.path, 'new.txt'), 'new')
    const { workspaceId, paths, ids } = await environmentOf(world)
    await start(workspaceId, `${workspaceId}/${ids.next('pty')}/1`)
    for (const suffix of ['', '-wal', '-shm']) await rm(paths.database + suffix, { force: true })
    const report = await doctor(world)
    expect(await markedProcesses(workspaceId)).toEqual([])
    expect(told(report).filter((line) => !line.includes(' process '))).toEqual([
      `left worktree ${dirty.path}`,
      `removed worktree ${clean.path}`,
    ])
    expect(await branchesOf(world)).toContain(dirty.branch)
  })

  it('puts a damaged database aside, says so, and finds the lanes in git [LN-11]', async () => {
    const clean = await plant(world, 'clean')
    const dirty = await plant(world, 'dirty')
    await writeFile(join(dirty.path, 'new.txt'), 'new')
    const { paths } = await environmentOf(world)
    const garbage = 'this is no database, but it is long enough to be taken for one'.repeat(100)
    await writeFile(paths.database, garbage)
    const report = await doctor(world)
    const check = report.checks.find(({ name }) => name === 'store')
    const aside = /put aside at (\S.*?);/.exec(check?.detail ?? '')?.[1] ?? ''
    expect(await readFile(aside, 'utf8')).toBe(garbage)
    expect(told(report)).toEqual([`left worktree ${dirty.path}`, `removed worktree ${clean.path}`])
    expect(told(await doctor(world))).toEqual([`left worktree ${dirty.path}`])
  })

  it('takes a reused pid for the other process that it is [PTY-14]', async () => {
    const { paths } = await environmentOf(world)
    // The pid of this living process, with a start time that it does not have.
    const { run: dead, path } = await plant(world, 'one', { owner: deadOwner() })
    await registerOwner(paths.owners, { ...deadOwner(), startedAt: 1 })
    const report = await doctor(world)
    expect(findingOn(report, `run ${dead.id}`)).toMatchObject({ action: 'removed' })
    expect(existsSync(path)).toBe(false)
  })

  it('touches nothing without a record while some process runs lanes here [LN-11]', async () => {
    const { workspaceId, paths, processTable } = await environmentOf(world)
    const unrecorded = await plant(world, 'unrecorded', { unrecorded: true })
    await world.git('branch', 'signalbox/merged-0123abcd', 'main')
    const pid = await start(workspaceId, `${workspaceId}/pt_unknown/1`)
    const self = processTable.identify(process.pid)
    if (self === null) throw new Error('this process has no identity')
    const unregister = await registerOwner(paths.owners, { ...self, startedAt: 1 })
    const report = await doctor(world)
    expect(told(report).filter((line) => !line.startsWith('left'))).toEqual([])
    expect([existsSync(unrecorded.path), (await markedProcesses(workspaceId)).includes(pid)]).toEqual([true, true])
    await unregister()
    expect(told(await doctor(world)).filter((line) => line.startsWith('left'))).toEqual([])
    expect(await markedProcesses(workspaceId)).toEqual([])
  })

  it('does not end the terminal that it runs in, whoever stands between [PTY-15]', async () => {
    const { workspaceId } = await environmentOf(world)
    const options = JSON.stringify({ cwd: world.root, fix: true, stateHome: world.stateHome })
    const beside = await start(workspaceId, `${workspaceId}/pt_gone/1`)
    // The shell carries the mark, env takes it from the child: that stands unmarked between the shell and doctor.
    const script = '(env -u SIGNALBOX_MARK "$0" "$1" "$2"; true); echo survived; true'
    const { stdout } = await run('/bin/sh', ['-c', script, process.execPath, DOCTOR, options], {
      env: { ...gitTestEnv(), SIGNALBOX_MARK: `${workspaceId}/pt_gone/2` },
    })
    const [first = '{}', second] = stdout.split('\n')
    const report = JSON.parse(first) as DoctorReport
    expect(second).toBe('survived')
    expect(report.found.filter(({ why }) => why === 'doctor itself runs inside it').map(({ action }) => action)).toContain('left')
    expect((await markedProcesses(workspaceId)).includes(beside)).toBe(false)
  })

  it('lets a run that goes on finish as if nothing had happened [LN-11] [SUP-8]', async () => {
    await using runtime = await composeRuntime({ workspace: world.root, stateHome: world.stateHome, env: gitTestEnv() })
    const plan = {
      keep: 'never',
      parallel: 4,
      lanes: {
        waits: {
          commands: ['until [ -e "$GO" ]; do sleep 0.05; done; echo x > made.txt; git add made.txt; git commit -q -m made'],
          env: { GO: join(world.base, 'go') },
        },
        guarded: {
          commands: [
            { name: 'daemon', restart: 'permanent', graceMs: 100, run: 'while :; do sleep 0.2; done' },
            `until [ -e '${join(world.base, 'go')}' ]; do sleep 0.05; done`,
          ],
        },
      },
    }
    const dead = await plant(world, 'dead')
    const handle = await runtime.start(plan)
    await until('all commands run', async () => (await markedProcesses(runtime.workspaceId)).length >= 4)
    const before = await markedProcesses(runtime.workspaceId)
    const [one, two] = await Promise.all([doctor(world), doctor(world)])
    const again = await doctor(world, false)
    expect(existsSync(dead.path)).toBe(false)
    for (const report of [one, two, again]) {
      expect(report.found.filter(({ kind, action }) => kind === 'process' && action !== 'left')).toEqual([])
      expect(report.found.filter(({ what }) => what.includes(handle.runId) && what.startsWith('run'))).toEqual([])
    }
    const now = await markedProcesses(runtime.workspaceId)
    // `sleep` comes and goes; the shells stay.
    expect(before.filter((pid) => now.includes(pid)).length).toBeGreaterThanOrEqual(3)
    await writeFile(join(world.base, 'go'), '')
    const summary = await handle.finished
    expect(summary.lanes.map(({ name, outcome, commits, worktree }) => [name, outcome, commits, worktree])).toEqual([
      ['waits', 'succeeded', 1, null],
      ['guarded', 'succeeded', 0, null],
    ])
    await runtime.close()
    expect((await doctor(world)).found).toEqual([])
  })

  it('starts a run while doctor works: neither harms the other [LN-11]', async () => {
    for (const name of ['one', 'two', 'three']) await plant(world, name)
    const stop = { now: false }
    const doctors = (async () => {
      const reports: DoctorReport[] = []
      while (!stop.now) reports.push(await doctor(world))
      return reports
    })()
    await using runtime = await composeRuntime({ workspace: world.root, stateHome: world.stateHome, env: gitTestEnv() })
    const lanes = Object.fromEntries(['a', 'b', 'c', 'd'].map((name) => [name, { commands: ['true', 'true'] }]))
    const summary = await runtime.run({ lanes })
    stop.now = true
    const reports = await doctors
    expect(summary.lanes.map(({ outcome }) => outcome)).toEqual(['succeeded', 'succeeded', 'succeeded', 'succeeded'])
    expect(reports.flatMap(({ checks }) => checks.filter(({ name, ok }) => name === 'store' && ok === false))).toEqual([])
  })

  it('leaves a run of another state directory alone, of which it has no record [LN-11] [SUP-8]', async () => {
    const elsewhere = join(world.base, 'state elsewhere')
    await using runtime = await composeRuntime({ workspace: world.root, stateHome: elsewhere })
    const run = await runtime.start({ keep: 'never', lanes: { one: { commands: ['until [ -e ../go ]; do sleep 0.05; done'] } } })
    await until('its command runs', () => run.view().lanes[0]?.commands[0]?.state === 'active')
    const report = await doctor(world)
    expect(report.found.filter(({ action }) => action !== 'left')).toEqual([])
    expect(report.found.map(({ kind }) => kind)).toContain('worktree')
    await writeFile(join(world.lanes, 'go'), '')
    expect((await run.finished).ok).toBe(true)
    await rm(world.lanes, { recursive: true })
  })

  it('works twice at once: each thing is treated once [LN-11]', async () => {
    const lanes = [await plant(world, 'one'), await plant(world, 'two')]
    const { workspaceId } = await environmentOf(world)
    await start(workspaceId, `${workspaceId}/pt_gone/1`)
    const options = JSON.stringify({ cwd: world.root, fix: true, stateHome: world.stateHome })
    const inChild = run(process.execPath, [DOCTOR, options], { env: gitTestEnv() }).then(({ stdout }) => JSON.parse(stdout) as DoctorReport)
    const reports = await Promise.all([doctor(world), doctor(world), inChild])
    for (const { path, run: dead } of lanes) {
      for (const what of [path, `run ${dead.id}`]) {
        expect(reports.flatMap(({ found }) => found.filter((finding) => finding.what === what).map(({ action }) => action))).toEqual([
          'removed',
        ])
      }
    }
    await withStore(world, async (store) => {
      expect((await store.events({ types: ['lane.ended'] })).length).toBe(2)
      expect((await store.events({ types: ['run.ended'] })).length).toBe(2)
    })
    expect(reports.flatMap(({ checks }) => checks.filter(({ name, ok }) => name === 'store' && ok === false))).toEqual([])
    expect(await markedProcesses(workspaceId)).toEqual([])
  })

  it('leaves the state of another workspace alone [LN-11]', async () => {
    const other = await makeWorld()
    try {
      const shared = { ...other, stateHome: world.stateHome }
      const { path, run: dead } = await plant(shared, 'theirs')
      await plant(world, 'ours')
      expect((await doctor(world)).found.some(({ what }) => what === path || what.includes(dead.id))).toBe(false)
      expect(existsSync(path)).toBe(true)
      expect(findingOn(await doctor(shared), `run ${dead.id}`)).toMatchObject({ action: 'removed' })
    } finally {
      await other.cleanup()
    }
  })
})

describe('identity of processes', () => {
  it('tells that a process lives only by pid, start time and boot id together [PTY-14]', () => {
    const table = createProcessTable()
    const self = table.identify(process.pid)
    if (self === null) throw new Error('this process has no identity')
    expect(table.isAlive(self)).toBe(true)
    expect(table.isAlive({ ...self, startTime: '1' })).toBe(false)
    expect(table.isAlive({ ...self, bootId: 'another boot' })).toBe(false)
    expect(table.signal({ ...self, startTime: '1' }, 'SIGKILL')).toBe(false)
  })
})
