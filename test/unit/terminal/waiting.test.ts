import { describe, expect, it } from 'vitest'
import { classify, type Evidence, together } from '../../../src/adapters/linux/waiting.ts'

const evidence = (syscall: string | null, more: Partial<Evidence> = {}): Evidence => ({
  syscall,
  isTerminal: (fd) => fd === 0,
  memory: () => null,
  epoll: () => null,
  ...more,
})
const of = (syscall: string | null, more: Partial<Evidence> = {}): string => classify(evidence(syscall, more), 'x64')
const set = (...fds: number[]): Uint8Array => {
  const bytes = new Uint8Array(16)
  for (const fd of fds) bytes[fd >> 3]! |= 1 << (fd & 7)
  return bytes
}
const pollfds = (...entries: (readonly [fd: number, events: number])[]): Uint8Array => {
  const bytes = Buffer.alloc(entries.length * 8)
  for (const [index, [fd, events]] of entries.entries()) {
    bytes.writeInt32LE(fd, index * 8)
    bytes.writeInt16LE(events, index * 8 + 4)
  }
  return bytes
}

describe('what the system call of a thread tells', () => {
  it('a read of the terminal is input, of anything else is work [PTY-18]', () => {
    expect(of('0 0x0 0x7ff2 0x20000 0x1 0xffffffff 0x0 0x7ffe 0x7ff2\n')).toBe('input')
    expect(of('19 0x0 0x7ff2 0x2 0x1 0x0 0x0 0x7ffe 0x7ff2')).toBe('input')
    expect(of('0 0x3 0x7ff2 0x20000 0x1 0x0 0x0 0x7ffe 0x7ff2')).toBe('busy')
  })

  it('a write to the terminal is output, to a pipe is work [PTY-18]', () => {
    expect(of('1 0x1 0x5617 0x2000 0x0 0x0 0x0 0x7fff 0x7f43', { isTerminal: (fd) => fd === 1 })).toBe('output')
    expect(of('1 0x1 0x5617 0x2000 0x0 0x0 0x0 0x7fff 0x7f43')).toBe('busy')
  })

  it('select and poll are a prompt only when the terminal is among what they wait to read [PTY-18]', () => {
    const select = '270 0x5 0x7000 0x0 0x0 0x0 0x0 0x7ffd 0x7f9e'
    expect(of(select, { memory: () => set(0, 4) })).toBe('prompt')
    expect(of(select, { memory: () => set(4) })).toBe('busy')
    expect(of('270 0x5 0x0 0x0 0x0 0x0 0x0 0x7ffd 0x7f9e')).toBe('busy') // pselect as a sleep
    const poll = '7 0x7000 0x2 0xffffffffffffffff 0x0 0x0 0x0 0x7ffd 0x7f9e'
    expect(of(poll, { memory: () => pollfds([3, 1], [0, 1]) })).toBe('prompt')
    expect(of(poll, { memory: () => pollfds([3, 1], [0, 4]) })).toBe('busy') // POLLOUT
    expect(of(poll, { memory: () => pollfds([3, 1], [-1, 1]) })).toBe('busy')
    expect(of('7 0x0 0x0 0x64 0x0 0x0 0x0 0x7ffd 0x7f9e')).toBe('busy')
  })

  it('without a look at its memory, only a select of the terminal alone is a prompt [PTY-18]', () => {
    expect(of('270 0x1 0x7000 0x0 0x0 0x0 0x0 0x7ffd 0x7f9e')).toBe('prompt')
    expect(of('270 0x5 0x7000 0x0 0x0 0x0 0x0 0x7ffd 0x7f9e')).toBe('unknown')
    expect(of('7 0x7000 0x1 0x0 0x0 0x0 0x0 0x7ffd 0x7f9e')).toBe('unknown')
  })

  it('an event loop is listening when the terminal is among what it watches [PTY-18]', () => {
    const epoll = '281 0xe 0x7ffc 0x400 0x1fa1 0x0 0x8 0x7ffc 0x7fa2'
    const watching = (fd: number, events: number) => ({ epoll: (of: number) => (of === 14 ? [{ fd, events }] : null) })
    expect(of(epoll, watching(0, 0x19))).toBe('listening')
    expect(of(epoll, watching(0, 0x18))).toBe('busy')
    expect(of(epoll, watching(9, 0x19))).toBe('busy')
    expect(of(epoll)).toBe('unknown')
  })

  it('what runs, sleeps or waits for a child is busy, what cannot be seen is unknown [PTY-18]', () => {
    for (const text of [
      'running',
      '-1 0x0 0x0',
      '61 0xffffffff 0x7ffc 0x0 0x0 0x0 0x0 0x7ffc 0x7f22',
      '230 0x0 0x0 0x1 0x1 0x0 0x0 0x1 0x1',
    ]) {
      expect(of(text)).toBe('busy')
    }
    expect(of(null)).toBe('unknown')
    expect(of('426 0x4 0x0 0x1 0x1 0x0 0x8 0x1 0x1')).toBe('unknown') // io_uring
    expect(classify(evidence('0 0x0'), 'riscv64')).toBe('unknown')
    expect(classify(evidence('63 0x0 0x1 0x1 0x0 0x0 0x0 0x1 0x1'), 'arm64')).toBe('input')
  })

  it('a group waits for input when one of it does [PTY-18]', () => {
    expect(together(['busy', 'input', 'output'])).toBe('input')
    expect(together(['unknown', 'prompt'])).toBe('prompt')
    expect(together(['busy', 'unknown'])).toBe('unknown')
    expect(together([])).toBe('unknown')
  })
})
