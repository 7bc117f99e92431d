import { accessSync, constants, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SpareDescriptor } from './spare-descriptor.ts'

/** Processes must be found and ended also where this one is out of descriptors. */
const spare = new SpareDescriptor()

/** @returns the text of a file of a group; null where there is none, or the group is gone */
export const readOrNull = (directory: string, file: string): string | null => {
  try {
    return spare.lend(() => readFileSync(join(directory, file), 'latin1'))
  } catch {
    return null
  }
}

/** @throws Error of the system */
export const write = (directory: string, file: string, value: string): void =>
  // Not created where it is missing: cgroupfs would say EACCES for a file that the kernel does not have.
  spare.lend(() => writeFileSync(join(directory, file), value, { flag: 'r+' }))

export const isWritable = (path: string): boolean => {
  try {
    accessSync(path, constants.W_OK)
    return true
  } catch {
    return false
  }
}

const below = (directory: string): readonly string[] => {
  try {
    return spare
      .lend(() => readdirSync(directory, { withFileTypes: true }))
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => join(directory, name))
  } catch {
    return []
  }
}

/** @returns pids in a group and in those below it; of processes outside this pid namespace there are none */
export const pidsBelow = (directory: string): number[] => [
  ...(readOrNull(directory, 'cgroup.procs') ?? '')
    .split('\n')
    .map(Number)
    .filter((pid) => pid > 0),
  ...below(directory).flatMap(pidsBelow),
]

/** Removes a group with those below it, as far as they hold no process. @returns whether it is gone */
export const removeEmpty = (directory: string): boolean => {
  for (const one of below(directory)) removeEmpty(one)
  try {
    rmdirSync(directory)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT'
  }
}
