import { closeSync, openSync } from 'node:fs'

/**
 * One descriptor held back. Where a process is out of descriptors it must still be able to look at processes, or it
 * could not end them: the spare one makes room for a synchronous call.
 */
export class SpareDescriptor {
  #fd: number | null = null

  constructor() {
    this.#hold()
  }

  /** Runs `open`, which opens and closes one descriptor; once more with the spare one free if there is none left. */
  lend<T>(open: () => T): T {
    try {
      return open()
    } catch (error) {
      if (!isOutOfDescriptors(error) || this.#fd === null) throw error
      closeSync(this.#fd)
      this.#fd = null
      try {
        return open()
      } finally {
        this.#hold()
      }
    }
  }

  #hold(): void {
    try {
      this.#fd = openSync('/dev/null', 'r')
    } catch {
      this.#fd = null // somebody else took the room
    }
  }
}

const isOutOfDescriptors = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'EMFILE' || error.code === 'ENFILE')
