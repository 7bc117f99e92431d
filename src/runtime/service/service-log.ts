import { closeSync, copyFileSync, fstatSync, ftruncateSync, mkdirSync, openSync, readSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Clock } from '../../ports/clock.port.ts'

/** The log of an orchestrator. */
export type ServiceLog = { write(text: string): void; close(): void }

/** Opened so that each write goes to the end, whoever writes: node itself writes there when it dies. */
export const openLogFile = (path: string): number => {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  return openSync(path, 'a+', 0o600)
}

const line = (clock: Clock, text: string): string => `${new Date(clock.now()).toISOString()} ${text.replaceAll('\n', '\n  ')}\n`

/** A log on a stream of its caller. */
export const streamLog = (clock: Clock, write: (text: string) => void): ServiceLog => ({
  write: (text) => write(line(clock, text)),
  close: () => {},
})

/**
 * A log in a file. At its cap it is copied to `<path>.1` and emptied, so that those who have it open go on in it. What
 * cannot be written is lost: a full disk must not end what runs.
 * @param maxBytes from here on it begins anew
 */
export const fileLog = (clock: Clock, path: string, maxBytes: number): ServiceLog => {
  const fd = openLogFile(path)
  return {
    write(text) {
      try {
        if (fstatSync(fd).size >= maxBytes) {
          copyFileSync(path, `${path}.1`)
          ftruncateSync(fd, 0)
        }
        writeSync(fd, line(clock, text))
      } catch {
        // said above
      }
    },
    close: () => closeSync(fd),
  }
}

/** @returns the last lines of a file, oldest first; none when it cannot be read. */
export const tailOf = (path: string, lines: number, maxBytes = 65_536): readonly string[] => {
  try {
    const fd = openSync(path, 'r')
    try {
      const { size } = fstatSync(fd)
      const length = Math.min(size, maxBytes)
      const buffer = Buffer.alloc(length)
      const read = readSync(fd, buffer, 0, length, size - length)
      return buffer.subarray(0, read).toString('utf8').trimEnd().split('\n').slice(-lines)
    } finally {
      closeSync(fd)
    }
  } catch {
    return []
  }
}
