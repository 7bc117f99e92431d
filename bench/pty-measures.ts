import type { TerminalHost } from '../src/ports/terminal-host.port.ts'
import type { Samples } from './harness.ts'
import type { Program, Subject } from './pty-subjects.ts'

const ECHO = ['/bin/sh', '-c', 'stty raw -echo; printf R; exec cat'] as const
const FLOOD = ['/bin/sh', '-c', 'stty raw; exec cat /dev/zero'] as const
const DEAF = ['/bin/sh', '-c', 'stty raw -echo; printf R; exec sleep 3600'] as const
const FIRST_BYTE = ['/bin/sh', '-c', 'echo x; exec sleep 3600'] as const
/** 79 characters, then the two that a terminal makes of a line end. */
const LINE = 'x'.repeat(79)
const LINE_BYTES = 81

/**
 * Output of `bytes` or a little more: lines through a terminal as people have it, or a blob. Its program goes on, as raw
 * node-pty may lose what came last before an end.
 */
const output = (bytes: number, kind: 'lines' | 'blob'): { readonly argv: readonly string[]; readonly bytes: number } => {
  const lines = Math.ceil(bytes / LINE_BYTES)
  return kind === 'blob'
    ? { argv: ['/bin/sh', '-c', `stty raw; head -c ${bytes} /dev/zero; exec sleep 3600`], bytes }
    : { argv: ['/bin/sh', '-c', `yes ${LINE} | head -n ${lines}; exec sleep 3600`], bytes: lines * LINE_BYTES }
}

/** Runs until `bytes` have come. @returns MB/s, and CPU in ms, from the first to the last of them; `end` ends the program */
const puttingOut = async (subject: Subject, kind: 'lines' | 'blob', wanted: number, hostCpuMs: () => number = () => 0) => {
  const { argv, bytes } = output(wanted, kind)
  let came = 0
  let began = 0
  let before = 0
  const cpuMs = (): number => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1_000 + hostCpuMs()
  }
  const { promise, resolve } = Promise.withResolvers<{ over: number; cpuMs: number }>()
  const program = await subject.start(argv, (count) => {
    if (came === 0) {
      began = performance.now()
      before = cpuMs()
    }
    came += count
    if (came >= bytes) resolve({ over: performance.now(), cpuMs: cpuMs() - before })
  })
  const { over, cpuMs: took } = await promise
  return { bytes, over, rate: bytes / (over - began) / 1_000, cpuMs: took, end: () => program.end() }
}

/** MB/s of `at` terminals together. */
export const throughput = async (subject: Subject, kind: 'lines' | 'blob', bytes: number, at = 1): Promise<Samples> => {
  const began = performance.now()
  const all = await Promise.all(Array.from({ length: at }, () => puttingOut(subject, kind, bytes)))
  const over = Math.max(...all.map((one) => one.over))
  await Promise.all(all.map((one) => one.end()))
  if (at === 1) return all.map(({ rate }) => rate)
  return [all.reduce((sum, one) => sum + one.bytes, 0) / (over - began) / 1_000]
}

/** CPU of this process for each MB of output, in ms. @param hostCpuMs of another that is counted too */
export const cpuPerMegabyte = async (subject: Subject, bytes: number, hostCpuMs?: () => number): Promise<Samples> => {
  const done = await puttingOut(subject, 'lines', bytes, hostCpuMs)
  await done.end()
  return [done.cpuMs / (done.bytes / 1_000_000)]
}

const started = async (subject: Subject, argv: readonly string[], onBytes: (count: number) => void): Promise<Program> => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const program = await subject.start(argv, (count) => {
    resolve()
    onBytes(count)
  })
  await promise
  return program
}

/** µs from a key to its echo. @param flood beside a terminal that puts out without end */
export const echo = async (subject: Subject, count: number, flood = false): Promise<Samples> => {
  const beside = flood ? await started(subject, FLOOD, () => {}) : null
  let arrived = (): void => {}
  const program = await started(subject, ECHO, () => arrived())
  const samples: number[] = []
  const byte = Buffer.from('x')
  for (let index = 0; index < count; index += 1) {
    const echoed = new Promise<void>((resolve) => (arrived = resolve))
    const began = performance.now()
    program.write(byte)
    await echoed
    samples.push((performance.now() - began) * 1_000)
  }
  await program.end()
  await beside?.end()
  return samples
}

/** ms from the request to the first byte. */
export const firstByte = async (subject: Subject): Promise<Samples> => {
  const { promise, resolve } = Promise.withResolvers<number>()
  const began = performance.now()
  const program = await subject.start(FIRST_BYTE, () => resolve(performance.now()))
  const sample = (await promise) - began
  await program.end()
  return [sample]
}

/** % of a processor that this process takes while 1 MB waits for a child that does not read. */
export const cpuWhileDeaf = async (subject: Subject, forMs: number): Promise<Samples> => {
  const program = await started(subject, DEAF, () => {})
  program.write(Buffer.alloc(1_048_576, 120))
  await new Promise((resolve) => setTimeout(resolve, 200))
  const began = performance.now()
  const before = process.cpuUsage()
  await new Promise((resolve) => setTimeout(resolve, forMs))
  const { user, system } = process.cpuUsage(before)
  const share = ((user + system) / 1_000 / (performance.now() - began)) * 100
  await program.end()
  return [share]
}

/**
 * CPU in ns for each byte that one of `readers` is given, of this process and, where it is another, of the host.
 * @param connect a connection of its own for each reader but the first
 */
export const cpuOfReaders = async (
  subject: Subject,
  bytes: number,
  readers: number,
  hostCpuMs: () => number,
  connect?: () => Promise<TerminalHost>,
): Promise<Samples> => {
  const { argv } = output(bytes, 'lines')
  let given = 0
  const program = await subject.start(['/bin/sh', '-c', `stty -echo; read x; ${argv.at(-1)}`], (count) => void (given += count))
  const others: Promise<void>[] = []
  const connections: TerminalHost[] = []
  for (let count = 1; count < readers; count += 1) {
    const connection = await connect?.()
    if (connection !== undefined) connections.push(connection)
    others.push(program.read?.((bytesRead) => void (given += bytesRead), connection) ?? Promise.resolve())
  }
  await new Promise((resolve) => setTimeout(resolve, 50))
  const before = process.cpuUsage()
  const hostBefore = hostCpuMs()
  program.write(Buffer.from('\n'))
  const wanted = output(bytes, 'lines').bytes * readers
  while (given < wanted) await new Promise((resolve) => setTimeout(resolve, 2))
  const { user, system } = process.cpuUsage(before)
  const cpuMs = (user + system) / 1_000 + hostCpuMs() - hostBefore
  await program.end()
  await Promise.all(others)
  for (const connection of connections) connection.detach?.()
  return [(cpuMs * 1_000_000) / given]
}

/** ms for many: started, echoed to each, ended. */
export const many = async (subject: Subject, count: number): Promise<Samples> => {
  const began = performance.now()
  const programs: Program[] = []
  // As many at once as a person would dare; raw node-pty has no bound of its own.
  for (let at = 0; at < count; at += 50) {
    const batch = Array.from({ length: Math.min(50, count - at) }, async () => {
      let arrived = (): void => {}
      const program = await started(subject, ECHO, () => arrived())
      const echoed = new Promise<void>((resolve) => (arrived = resolve))
      program.write(Buffer.from('x'))
      await echoed
      return program
    })
    programs.push(...(await Promise.all(batch)))
  }
  await Promise.all(programs.map((program) => program.end()))
  return [performance.now() - began]
}
