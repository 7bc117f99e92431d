import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { createProcessTable } from '../src/adapters/process-table.ts'
import type { Case, Samples, Suite } from './harness.ts'
import { cpuOfReaders, cpuPerMegabyte, cpuWhileDeaf, echo, firstByte, many, throughput } from './pty-measures.ts'
import { copyRound, ringRound } from './pty-ring.ts'
import { inProcess, openHosts, type Program, raw, residentMegabytes, type Subject, subjectOf } from './pty-subjects.ts'

const processes = createProcessTable()

/** User and system time of a process so far; 0 where the platform does not tell. ms */
const cpuMsOf = (pid: number): number => {
  const identity = processes.identify(pid)
  return identity === null ? 0 : (processes.usage?.(identity)?.cpuMs ?? 0)
}

/** Resident memory of a terminal host that holds `count` idle terminals, their rings empty. MB */
const residentOfHost = async (count: number): Promise<Samples> => {
  const hosts = await openHosts()
  try {
    const subject = subjectOf(() => hosts.host)
    const programs: Program[] = []
    for (let at = 0; at < count; at += 50) {
      programs.push(...(await Promise.all(Array.from({ length: Math.min(50, count - at) }, () => subject.start(['/bin/cat'], () => {})))))
    }
    await delay(500)
    return [residentMegabytes(hosts.pid())]
  } finally {
    await hosts.close()
  }
}
const ofRaw = (what: 'idle' | 'deaf', number: number): Samples => {
  const script = join(import.meta.dirname, 'raw-ptys.ts')
  return [Number(execFileSync(process.execPath, [script, what, String(number)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }))]
}

/** Terminals against raw node-pty in the same run: in this process, and through a terminal host. */
export const ptySuite = async ({ smoke }: { readonly smoke: boolean }): Promise<Suite> => {
  const own = inProcess()
  const hosts = await openHosts()
  const ours = subjectOf(() => own)
  const hosted = subjectOf(() => hosts.host)
  const bytes = smoke ? 10_000_000 : 40_000_000
  const echoes = smoke ? 500 : 2_000
  const terminals = smoke ? 100 : 1_000
  let ballast: Buffer | null = null
  /** Makes this process one of 1 GB. */
  const heavy = (measure: () => Promise<Samples>) => (): Promise<Samples> => {
    ballast ??= Buffer.alloc(1_000_000_000, 1)
    return measure()
  }
  const hostCpu = (): number => cpuMsOf(hosts.pid())

  const rate = (name: string, subject: Subject, kind: 'lines' | 'blob', at = 1): Case => ({
    name,
    unit: 'MB/s',
    better: 'higher',
    ours: () => throughput(subject, kind, bytes, at),
    baseline: () => throughput(raw, kind, bytes, at),
  })
  const echoed = (name: string, subject: Subject, percent: number, flood = false): Case => ({
    name,
    unit: 'µs',
    better: 'lower',
    percent,
    ours: () => echo(subject, flood ? echoes / 5 : echoes, flood),
    baseline: () => echo(raw, flood ? echoes / 5 : echoes, flood),
  })
  const spawned = (name: string, subject: Subject, percent: number): Case => ({
    name,
    unit: 'ms',
    better: 'lower',
    percent,
    ours: async () => [...(await firstByte(subject)), ...(await firstByte(subject)), ...(await firstByte(subject))],
    baseline: async () => [...(await firstByte(raw)), ...(await firstByte(raw)), ...(await firstByte(raw))],
  })
  const resident = (name: string, count: number, most: number): Case => ({
    name,
    unit: 'MB',
    better: 'lower',
    most,
    rounds: smoke ? 1 : 3,
    ours: () => residentOfHost(count),
    baseline: () => Promise.resolve(ofRaw('idle', count)),
  })

  return {
    name: 'pty',
    cases: [
      rate('output', ours, 'lines'),
      rate('output-blob', ours, 'blob'),
      rate('output-host', hosted, 'lines'),
      rate('output-host-blob', hosted, 'blob'),
      rate('output-host-4', hosted, 'lines', 4),
      {
        name: 'cpu-host',
        unit: 'ms',
        better: 'lower',
        ours: () => cpuPerMegabyte(hosted, bytes),
        baseline: () => cpuPerMegabyte(raw, bytes),
      },
      {
        name: 'cpu-host-both',
        unit: 'ms',
        better: 'lower',
        ours: () => cpuPerMegabyte(hosted, bytes, hostCpu),
        baseline: () => cpuPerMegabyte(raw, bytes),
      },
      echoed('echo', ours, 50),
      echoed('echo-p95', ours, 95),
      echoed('echo-host', hosted, 50),
      echoed('echo-host-p95', hosted, 95),
      echoed('echo-host-flood', hosted, 50, true),
      spawned('spawn', ours, 95),
      spawned('spawn-host', hosted, 95),
      {
        name: 'ring',
        unit: 'µs',
        better: 'lower',
        percent: 95,
        most: 1_000,
        ours: () => Promise.resolve(ringRound(2_000)),
        baseline: () => Promise.resolve(copyRound(2_000)),
      },
      {
        name: 'unread-cpu',
        unit: '%',
        better: 'lower',
        most: 1,
        rounds: smoke ? 2 : 5,
        ours: () => cpuWhileDeaf(ours, 1_000),
        baseline: () => Promise.resolve(ofRaw('deaf', 1_000)),
      },
      {
        name: 'readers-10-in-process',
        unit: 'ns',
        better: 'lower',
        rounds: 10,
        ours: () => cpuOfReaders(ours, bytes, 10, () => 0),
        baseline: () => cpuOfReaders(ours, bytes, 1, () => 0),
      },
      {
        name: 'readers-10-shared',
        unit: 'ns',
        better: 'lower',
        rounds: 10,
        ours: () => cpuOfReaders(hosted, bytes, 10, hostCpu),
        baseline: () => cpuOfReaders(hosted, bytes, 1, hostCpu),
      },
      {
        name: 'readers-10',
        unit: 'ns',
        better: 'lower',
        rounds: 10,
        ours: () => cpuOfReaders(hosted, bytes, 10, hostCpu, hosts.connect),
        baseline: () => cpuOfReaders(hosted, bytes, 1, hostCpu),
      },
      {
        name: 'start-1000',
        unit: 'ms',
        better: 'lower',
        rounds: smoke ? 1 : 3,
        ours: () => many(hosted, terminals),
        baseline: () => many(raw, terminals),
      },
      resident('rss-100', 100, 56),
      resident('rss-300', 300, 60),
      // Last: from here on this process is large.
      {
        ...spawned('spawn-host-1g', hosted, 50),
        rounds: smoke ? 3 : 10,
        ours: heavy(() => firstByte(hosted)),
        baseline: heavy(() => firstByte(raw)),
      },
    ],
    close: async () => {
      ballast = null
      await own.close(0)
      await hosts.close()
    },
  }
}
