import type { Waiting } from '../../ports/process-table.port.ts'

/** What is known of one thread of the foreground group of a terminal. */
export type Evidence = {
  /** /proc/PID/task/TID/syscall: `running`, or number, six arguments, sp and pc in hexadecimal; null: not readable. */
  readonly syscall: string | null
  /** Whether a descriptor of it is its terminal. */
  readonly isTerminal: (fd: number) => boolean
  /** Bytes of its memory; null: not readable. */
  readonly memory: (address: bigint, count: number) => Uint8Array | null
  /** What an epoll descriptor waits for: descriptor and events; null: not readable. */
  readonly epoll: (fd: number) => readonly { readonly fd: number; readonly events: number }[] | null
}

type Kind = 'read' | 'write' | 'select' | 'poll' | 'epoll' | 'ring'

/** Numbers of the calls that wait for a descriptor (asm/unistd_64.h; asm-generic/unistd.h on arm64). */
const CALLS: Readonly<Record<string, ReadonlyMap<number, Kind>>> = {
  x64: new Map([
    [0, 'read'],
    [19, 'read'],
    [1, 'write'],
    [20, 'write'],
    [23, 'select'],
    [270, 'select'],
    [7, 'poll'],
    [271, 'poll'],
    [232, 'epoll'],
    [281, 'epoll'],
    [441, 'epoll'],
    [426, 'ring'],
  ]),
  arm64: new Map([
    [63, 'read'],
    [65, 'read'],
    [64, 'write'],
    [66, 'write'],
    [72, 'select'],
    [73, 'poll'],
    [22, 'epoll'],
    [441, 'epoll'],
    [426, 'ring'],
  ]),
}

/** POLLIN and POLLRDNORM of poll(2); EPOLLIN and EPOLLRDNORM of epoll(7) are the same. */
const IN = 0x1 | 0x40
/** The size of a set of select(2) in the kernel, and the most entries of a poll that are looked at. */
const MAX_FDS = 1_024

/** Evidence of these is worth more than of those after them; of the rest any thread may be. */
const ORDER: readonly Waiting[] = ['input', 'prompt', 'output', 'listening', 'unknown', 'busy']

/** @returns what one thread does at its terminal: only from evidence, `unknown` where there is none. */
export function classify(evidence: Evidence, arch: string = process.arch): Waiting {
  const calls = CALLS[arch]
  if (evidence.syscall === null || calls === undefined) return 'unknown'
  const [number = '', ...rest] = evidence.syscall.trim().split(' ')
  if (!/^-?\d+$/.test(number)) return 'busy' // running
  const call = calls.get(Number(number))
  const [first = 0n, second = 0n] = rest.map((text) => BigInt(text))
  const fd = Number(BigInt.asIntN(32, first))
  switch (call) {
    case 'read':
      return evidence.isTerminal(fd) ? 'input' : 'busy'
    case 'write':
      return evidence.isTerminal(fd) ? 'output' : 'busy'
    case 'select':
      return selects(evidence, fd, second)
    case 'poll':
      return polls(evidence, first, Number(BigInt.asIntN(32, second)))
    case 'epoll':
      return epolls(evidence, fd)
    case 'ring':
      return 'unknown' // io_uring: what was asked of it cannot be seen
    case undefined:
      return 'busy' // sleeps, waits for a child, a lock, a socket …
  }
}

/** @returns what the group as a whole does: a program waits for input when one of its threads does. */
export const together = (each: readonly Waiting[]): Waiting => ORDER.find((one) => each.includes(one)) ?? 'unknown'

/** select(nfds, readfds, …): one bit for each descriptor. */
function selects({ isTerminal, memory }: Evidence, count: number, address: bigint): Waiting {
  if (address === 0n || count <= 0) return 'busy'
  const set = memory(address, Math.ceil(Math.min(count, MAX_FDS) / 64) * 8)
  if (set === null) return count === 1 && isTerminal(0) ? 'prompt' : 'unknown'
  for (let fd = 0; fd < Math.min(count, MAX_FDS); fd += 1) {
    if (((set[fd >> 3] ?? 0) & (1 << (fd & 7))) !== 0 && isTerminal(fd)) return 'prompt'
  }
  return 'busy'
}

/** poll(fds, nfds, …): entries of { int fd; short events; short revents }. */
function polls({ isTerminal, memory }: Evidence, address: bigint, count: number): Waiting {
  if (count <= 0) return 'busy'
  const entries = memory(address, Math.min(count, MAX_FDS) * 8)
  if (entries === null) return 'unknown'
  const view = new DataView(entries.buffer, entries.byteOffset, entries.byteLength)
  for (let at = 0; at + 8 <= entries.length; at += 8) {
    if ((view.getInt16(at + 4, true) & IN) !== 0 && isTerminal(view.getInt32(at, true))) return 'prompt'
  }
  return 'busy'
}

/**
 * An event loop that listens to the terminal takes input; whether it has nothing else to do cannot be told: an agent at
 * work looks like one that asks.
 */
function epolls({ isTerminal, epoll }: Evidence, fd: number): Waiting {
  const watched = epoll(fd)
  if (watched === null) return 'unknown'
  return watched.some((one) => (one.events & IN) !== 0 && isTerminal(one.fd)) ? 'listening' : 'busy'
}
