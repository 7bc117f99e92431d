import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { OWN_PLACE } from './cgroup-names.ts'

/** One hierarchy as this process sees it. */
export type Place = {
  readonly version: 1 | 2
  /** Controllers of a v1 hierarchy; of v2 empty, as they are looked for in its files. */
  readonly controllers: readonly string[]
  /** Where the hierarchy is mounted. */
  readonly mount: string
  /** The directory of this process's own group, below which ours are made. */
  readonly directory: string
}

/** A hierarchy that is there and cannot be used, in words. */
export type Hidden = { readonly mount: string; readonly why: string }

type Mount = { readonly root: string; readonly point: string; readonly type: string; readonly options: readonly string[] }

/** Octal escapes of mountinfo. Source: proc_pid_mountinfo(5) */
const unescape = (path: string): string => path.replace(/\\(\d{3})/gu, (_, code: string) => String.fromCodePoint(Number.parseInt(code, 8)))

const parseMount = (line: string): Mount | null => {
  const [before = '', after = ''] = line.split(' - ')
  const [, , , root, point] = before.split(' ')
  const [type, , options] = after.split(' ')
  if (root === undefined || point === undefined || type === undefined) return null
  return { root: unescape(root), point: unescape(point), type, options: (options ?? '').split(',') }
}

/** The directory of a group below a mount that may show only a part of the hierarchy, as in a container. */
const directoryOf = ({ root, point }: Mount, path: string): string | null => {
  if (path.split('/').includes('..')) return null // outside of what this cgroup namespace shows
  if (root === '/') return join(point, path)
  return path === root || path.startsWith(`${root}/`) ? join(point, path.slice(root.length)) : null
}

/**
 * @param proc where proc is mounted
 * @returns the hierarchies that this process can see its own place in, v2 first, and those that it cannot
 */
export const findPlaces = (proc = '/proc'): { readonly places: readonly Place[]; readonly hidden: readonly Hidden[] } => {
  const lines = (file: string): readonly string[] => readFileSync(join(proc, 'self', file), 'utf8').split('\n')
  const paths = lines('cgroup').map((line) => {
    const [id = '', names = '', ...path] = line.split(':')
    return { isV2: id === '0', names: names.split(','), path: path.join(':') }
  })
  const places: Place[] = []
  const hidden: Hidden[] = []
  for (const mount of lines('mountinfo').map(parseMount)) {
    if (mount === null || (mount.type !== 'cgroup' && mount.type !== 'cgroup2')) continue
    const isV2 = mount.type === 'cgroup2'
    const own = paths.find((one) => (isV2 ? one.isV2 : !one.isV2 && one.names.some((name) => mount.options.includes(name))))
    const directory = own === undefined ? null : directoryOf(mount, own.path)
    if (own === undefined || directory === null)
      hidden.push({ mount: mount.point, why: `does not show the group of this process (${own?.path ?? 'none'})` })
    else if (!places.some((one) => one.mount === mount.point)) {
      const above = directory.endsWith(`/${OWN_PLACE}`) ? directory.slice(0, -OWN_PLACE.length - 1) : directory
      places.push({ version: isV2 ? 2 : 1, controllers: isV2 ? [] : own.names, mount: mount.point, directory: above })
    }
  }
  return { places: places.toSorted((a, b) => b.version - a.version), hidden }
}
