import { cp, chmod, mkdir, mkdtemp, realpath, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execFile, spawnSync } from 'node:child_process'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { diagnose } from '../../../src/runtime/doctor/doctor.ts'
import type { DoctorCheck, DoctorReport } from '../../../src/protocols/doctor.ts'
import { gitTestEnv, makeRepo } from '../../helpers/git-repo.ts'

const run = promisify(execFile)
const DOCTOR = fileURLToPath(new URL('../../helpers/doctor-child.ts', import.meta.url))
const NATIVE = fileURLToPath(new URL('../../../native', import.meta.url))

describe('checks of doctor', () => {
  let base: string
  beforeEach(async () => {
    base = await realpath(await mkdtemp(join(tmpdir(), 'signalbox doctor ü-')))
  })
  afterEach(() => rm(base, { recursive: true, force: true }))

  const options = (more: object = {}) => ({ cwd: base, fix: false, stateHome: join(base, 'state'), ...more })
  const named = (report: DoctorReport, name: string): DoctorCheck | undefined => report.checks.find((check) => check.name === name)

  it('checks the machine where there is no repository, and says so [LN-10]', async () => {
    for (const fix of [false, true]) {
      const report = await diagnose(options({ fix }))
      expect(report.checks.map(({ name }) => name)).toEqual(['git', 'node', 'exec-helper', 'pty', 'disk', 'fds', 'cgroups', 'limits'])
      expect(named(report, 'git')).toMatchObject({ ok: false, detail: expect.stringContaining('not in a git repository') as string })
      expect(named(report, 'git')?.remedy).toMatch(/\S/u)
      expect([report.ok, report.found]).toEqual([false, []])
      for (const name of ['node', 'exec-helper', 'pty', 'disk']) expect(named(report, name), name).toMatchObject({ ok: true, remedy: null })
    }
  })

  it('passes in a repository in which nothing ever ran, and each failed check has a remedy [LN-10]', async () => {
    const repo = await makeRepo()
    try {
      const report = await diagnose(options({ cwd: repo.root }))
      expect(report.checks.map(({ name }) => name)).toContain('store')
      expect(report.checks.filter(({ ok, remedy }) => ok === false && !remedy)).toEqual([])
      expect([report.found, named(report, 'git')?.ok]).toEqual([[], true])
    } finally {
      await repo.cleanup()
    }
  })

  it('says that the exec helper is missing, and builds it with --fix [PTY-22]', async () => {
    const native = join(base, 'native')
    await mkdir(native)
    for (const name of ['build.mjs', 'exec-helper.c', 'pane-holder.c']) await cp(join(NATIVE, name), join(native, name))
    const execHelper = join(native, 'build', 'exec-helper')
    const missing = named(await diagnose(options({ execHelper })), 'exec-helper')
    expect(missing).toMatchObject({ ok: false, detail: expect.stringContaining(execHelper) as string })
    expect(missing?.remedy).toMatch(/doctor --fix/u)
    expect(named(await diagnose(options({ execHelper, fix: true })), 'exec-helper')).toMatchObject({ ok: true })
    expect((await stat(execHelper)).mode & 0o111).not.toBe(0)
    // There, but not executable: as after a copy that dropped modes.
    await rm(execHelper)
    await writeFile(execHelper, 'x')
    await chmod(execHelper, 0o644)
    expect(named(await diagnose(options({ execHelper })), 'exec-helper')?.ok).toBe(false)
    expect(named(await diagnose(options({ execHelper, fix: true })), 'exec-helper')?.ok).toBe(true)
    expect(spawnSync(execHelper, []).error).toBe(undefined)
  })

  it('says that the program which holds terminals of tmux is missing, and builds it with --fix [PTY-22]', async () => {
    const native = join(base, 'native')
    await mkdir(native)
    for (const name of ['build.mjs', 'exec-helper.c', 'pane-holder.c']) await cp(join(NATIVE, name), join(native, name))
    const execHelper = join(native, 'build', 'exec-helper')
    const holder = join(native, 'build', 'pane-holder')
    await diagnose(options({ execHelper, fix: true }))
    await rm(holder)
    const missing = named(await diagnose(options({ execHelper })), 'exec-helper')
    expect(missing).toMatchObject({ ok: false, detail: expect.stringContaining(holder) as string })
    expect(named(await diagnose(options({ execHelper, fix: true })), 'exec-helper')).toMatchObject({ ok: true })
    expect((await stat(holder)).mode & 0o111).not.toBe(0)
  })

  it('says what to install where the exec helper cannot be built [PTY-22]', async () => {
    const native = join(base, 'native')
    await mkdir(native)
    await cp(join(NATIVE, 'build.mjs'), join(native, 'build.mjs'))
    await writeFile(join(native, 'exec-helper.c'), 'this is not C')
    const check = named(await diagnose(options({ execHelper: join(native, 'build', 'exec-helper'), fix: true })), 'exec-helper')
    expect(check).toMatchObject({ ok: false, detail: expect.stringContaining('exec-helper.c') as string })
    expect(check?.remedy).toMatch(/compiler/u)
  })

  const elsewhere = async (command: string, env: Readonly<Record<string, string>> = {}, more: object = {}): Promise<DoctorReport> => {
    const { stdout } = await run(
      '/bin/sh',
      ['-c', `${command} exec "$0" "$1" "$2"`, process.execPath, DOCTOR, JSON.stringify(options(more))],
      {
        env: { ...gitTestEnv(), ...env },
      },
    )
    return JSON.parse(stdout) as DoctorReport
  }

  it('says that git is missing or too old, and what to install [LN-10]', async () => {
    const bin = join(base, 'bin')
    await mkdir(bin)
    expect(named(await elsewhere('', { PATH: bin }), 'git')).toMatchObject({
      ok: false,
      remedy: expect.stringContaining('git 2.30') as string,
    })
    await writeFile(join(bin, 'git'), '#!/bin/sh\necho git version 2.11.0\n')
    await chmod(join(bin, 'git'), 0o755)
    const old = named(await elsewhere('', { PATH: bin }), 'git')
    expect(old).toMatchObject({
      ok: false,
      detail: expect.stringContaining('2.11.0') as string,
      remedy: expect.stringContaining('git 2.30') as string,
    })
  })

  it('says that too few files may be open, and how to raise that [PTY-4]', async () => {
    const few = named(await elsewhere('ulimit -n 200;'), 'fds')
    expect(few).toMatchObject({ ok: false, remedy: expect.stringContaining('ulimit -n') as string })
    expect(named(await elsewhere('ulimit -n 2048;'), 'fds')).toMatchObject({ ok: true, remedy: null })
  })

  it('says that the state directory cannot be made, and what to do [LN-10]', async () => {
    await writeFile(join(base, 'file'), '')
    for (const fix of [false, true]) {
      const check = named(await diagnose(options({ fix, stateHome: join(base, 'file', 'state') })), 'disk')
      expect(check).toMatchObject({ ok: false, remedy: expect.stringContaining('XDG_STATE_HOME') as string })
    }
  })

  const cannotMount = spawnSync('unshare', ['-m', 'true']).status !== 0
  it.skipIf(cannotMount)('says that the disk is nearly full (needs root and unshare -m to mount) [LN-10]', async () => {
    const small = join(base, 'small')
    await mkdir(small)
    const { stdout } = await run(
      'unshare',
      [
        '-m',
        '/bin/sh',
        '-c',
        'mount -t tmpfs -o size=1m none "$3" && exec "$0" "$1" "$2"',
        process.execPath,
        DOCTOR,
        JSON.stringify(options({ stateHome: small })),
        small,
      ],
      { env: gitTestEnv() },
    )
    expect(named(JSON.parse(stdout) as DoctorReport, 'disk')).toMatchObject({
      ok: false,
      remedy: expect.stringContaining('1 GB') as string,
    })
  })
})
