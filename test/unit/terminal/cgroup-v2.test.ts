import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { writesFor } from '../../../src/adapters/linux/cgroup-limits.ts'
import { cgroupName, markOfCgroups, markOfName } from '../../../src/adapters/linux/cgroup-names.ts'
import { findPlaces } from '../../../src/adapters/linux/cgroup-places.ts'
import { enableController, mayEnable, tryPlace } from '../../../src/adapters/linux/cgroup-probe.ts'
import { leaveTerminal } from '../../../src/adapters/linux/leave-terminal.ts'
import { createLinuxCgroups } from '../../../src/adapters/linux/linux-cgroups.adapter.ts'

/** Files of the form that the kernel has: what this machine lacks of cgroup v2 can be shown only so. */
let base: string
const proc = (): string => join(base, 'proc')
const mount = (): string => join(base, 'cg roup')
const put = (path: string, files: Readonly<Record<string, string>>): void => {
  mkdirSync(path, { recursive: true })
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text)
}
/** A machine with v2 alone, and this process in the group `own` of it. */
const machine = (own: string, files: Readonly<Record<string, string>>): void => {
  const escaped = mount().replaceAll(' ', '\\040')
  put(join(proc(), 'self'), {
    cgroup: `0::${own}\n`,
    mountinfo: `22 1 8:1 / / rw - ext4 /dev/sda rw\n30 22 0:26 / ${escaped} rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n`,
  })
  put(join(mount(), own), {
    'cgroup.procs': `${process.pid}\n`,
    'cgroup.subtree_control': '',
    'cgroup.controllers': 'cpu memory pids\n',
    ...files,
  })
}
beforeEach(() => (base = mkdtempSync(join(tmpdir(), 'sbx cg-'))))
afterEach(() => rmSync(base, { recursive: true, force: true }))

const onlyPlace = () => {
  const [place] = findPlaces(proc()).places
  if (place === undefined) throw new Error('no place was found')
  return place
}

describe('cgroup v2', () => {
  it('is found where it is mounted, at the place of this process [PTY-7]', () => {
    machine('/user.slice/a.scope', { 'cgroup.type': 'domain\n' })
    expect(findPlaces(proc())).toEqual({
      places: [{ version: 2, controllers: [], mount: mount(), directory: join(mount(), 'user.slice/a.scope') }],
      hidden: [],
    })
    expect(tryPlace(onlyPlace())).toBe(null)
  })

  it('of a process outside of what its namespace shows cannot be used, and says so [PTY-7]', () => {
    machine('/x', {})
    put(join(proc(), 'self'), { cgroup: '0::/../../other\n' })
    const { contain, limits } = createLinuxCgroups(proc()).support()
    expect(contain).toEqual({ ok: false, why: `${mount()} does not show the group of this process (/../../other)` })
    expect(limits.memoryBytes).toEqual(contain)
  })

  it('gives controllers on where this process is alone in its group: it moves into one below [PTY-4]', () => {
    machine('/own.service', { 'cgroup.type': 'domain\n' })
    put(join(mount(), 'own.service/signalbox-self'), { 'cgroup.procs': '' })
    const place = onlyPlace()
    expect(mayEnable(place, 'memory')).toBe(null)
    enableController(place, 'memory')
    expect(readFileSync(join(place.directory, 'signalbox-self/cgroup.procs'), 'latin1')).toBe(String(process.pid))
    expect(readFileSync(join(place.directory, 'cgroup.subtree_control'), 'latin1')).toBe('+memory')
  })

  it('makes its groups beside the one that it moved into [PTY-4]', () => {
    machine('/own.service/signalbox-self', { 'cgroup.type': 'domain\n' })
    expect(onlyPlace().directory).toBe(join(mount(), 'own.service'))
  })

  it.skipIf(process.platform !== 'linux')(
    'of a terminal is left for that of its maker where the one above takes no process, and that of v1 as well [PTY-7]',
    () => {
      machine('/own.service/signalbox.ws_1.pt_1.1', { 'cgroup.type': 'domain\n' })
      put(join(mount(), 'own.service/cgroup.procs'), {}) // a directory: what is written to it is refused
      put(join(mount(), 'own.service/signalbox-self'), { 'cgroup.procs': '' })
      const pids = join(base, 'pids')
      put(join(pids, 'own.service'), { 'cgroup.procs': '' })
      put(join(pids, 'own.service/signalbox.ws_1.pt_1.1'), { 'cgroup.procs': '' })
      const self = join(proc(), 'self')
      appendFileSync(join(self, 'cgroup'), '8:pids:/own.service/signalbox.ws_1.pt_1.1\n')
      appendFileSync(join(self, 'mountinfo'), `31 22 0:27 / ${pids.replaceAll(' ', '\\040')} rw - cgroup cgroup rw,pids\n`)
      leaveTerminal(proc())
      for (const left of [join(mount(), 'own.service/signalbox-self'), join(pids, 'own.service')])
        expect(readFileSync(join(left, 'cgroup.procs'), 'latin1')).toBe(String(process.pid))
    },
  )

  it('does not where others are in the group, and says what to do; a controller that is missing is another matter [PTY-4]', () => {
    machine('/session.scope', { 'cgroup.type': 'domain\n', 'cgroup.procs': `1\n${process.pid}\n`, 'cgroup.controllers': 'memory\n' })
    expect(mayEnable(onlyPlace(), 'memory')).toMatch(/other processes are in .*session\.scope.*Delegate=yes$/u)
    expect(mayEnable(onlyPlace(), 'cpu')).toBe('')
    const { limits } = createLinuxCgroups(proc()).support()
    expect(limits.cpus).toEqual({ ok: false, why: 'no cgroup hierarchy that this process may use has the cpu controller' })
  })

  it('gives them on in the root, whoever is there, and takes what is given on already [PTY-4]', () => {
    machine('/', { 'cgroup.procs': `1\n2\n${process.pid}\n`, 'cgroup.subtree_control': 'pids\n' })
    expect(mayEnable(onlyPlace(), 'memory')).toBe(null)
    enableController(onlyPlace(), 'pids')
    expect(readFileSync(join(mount(), 'cgroup.subtree_control'), 'latin1')).toBe('pids\n')
  })

  it('takes no group of threads for one of processes [PTY-7]', () => {
    machine('/t', { 'cgroup.type': 'threaded\n' })
    expect(tryPlace(onlyPlace())).toBe(`${join(mount(), 't')} is of type threaded`)
  })

  it('bounds by the files of its version [PTY-4]', () => {
    expect(writesFor(2, 'cpus', 1.5)).toEqual([{ file: 'cpu.max', value: '150000 100000' }])
    expect(writesFor(2, 'memoryBytes', 5_000_000).map(({ file, value }) => `${file}=${value}`)).toEqual([
      'memory.max=5000000',
      'memory.swap.max=0',
    ])
    expect(writesFor(2, 'processes', 7)).toEqual(writesFor(1, 'processes', 7))
    expect(writesFor(1, 'cpus', 0.001)[1]).toEqual({ file: 'cpu.cfs_quota_us', value: '1000' })
  })
})

describe('names of groups', () => {
  it('tell the mark and nothing else does [PTY-15]', () => {
    expect(cgroupName('ws_1/pt_2/3')).toBe('signalbox.ws_1.pt_2.3')
    for (const odd of ['', 'ws_1', 'ws_1//3', 'a.b/c', '../x/y', 'a/b c', `a/${'b'.repeat(300)}`]) expect(cgroupName(odd)).toBe(null)
    expect(markOfName('signalbox.ws_1.pt_2.3')).toBe('ws_1/pt_2/3')
    for (const odd of ['signalbox', 'signalbox.', 'signalbox-self', 'signalbox.probe-1', 'x.ws_1.pt_2.3'])
      expect(markOfName(odd)).toBe(null)
  })

  it('of the innermost group counts, also where that was removed since [PTY-15]', () => {
    const nested = '0::/a/signalbox.ws_1.pt_1.1/b/signalbox.ws_2.pt_2.2/c'
    expect(markOfCgroups(`5:memory:/\n${nested}\n`)).toBe('ws_2/pt_2/2')
    expect(markOfCgroups('0::/signalbox.ws_1.pt_1.1 (deleted)\n')).toBe('ws_1/pt_1/1')
    expect(markOfCgroups('0::/user.slice\n')).toBe(null)
  })
})
