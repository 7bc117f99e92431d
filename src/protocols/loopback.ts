/** `127.0.0.1:9464`, `[::1]:9464`; port 0 to 65,535. @returns null for what is none, or no address of this machine alone */
export const loopbackAddress = (text: string): { readonly host: string; readonly port: number } | null => {
  const [, four, six, digits] = /^(?:(127(?:\.\d{1,3}){3})|\[(::1)\]):(\d{1,5})$/u.exec(text) ?? []
  const host = four ?? six
  const port = Number(digits)
  if (host === undefined || port > 65_535) return null
  return four !== undefined && four.split('.').some((part) => Number(part) > 255) ? null : { host, port }
}
