import { readlinkSync } from 'node:fs'
import { socketPathLimit } from '../../protocols/control/limits.ts'

/** @returns the path to connect to: of one that is too long for a socket, the short one that it links to. @throws as readlink(2) */
export const reachableSocket = (path: string): string =>
  Buffer.byteLength(path) <= socketPathLimit(process.platform) ? path : readlinkSync(path)
