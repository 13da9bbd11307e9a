/** The addresses of the service: one for everything, or a second one for operators. */
import { openKeyFile } from './access/key_file.ts'
import { type AppOptions, buildApp, type Side } from './app.ts'
import { acceptMore, type Listeners } from './http/accept_more.ts'
import { tlsFilesOf } from './http/tls.ts'

export type Listening = {
  url: string
  /** Null where the admin side has no port of its own. */
  admin_url: string | null
  /** Requests in flight finish, or end with the limit. */
  close(timeout_ms: number): Promise<void>
}

type App = Awaited<ReturnType<typeof buildApp>>
/** `more` where it listens. */
type Opened = { app: App; more?: Listeners }
export type ListenOptions = Omit<AppOptions, 'keys' | 'tls' | 'side'>

/** Nothing stays open when it rejects. */
export async function listen(options: ListenOptions): Promise<Listening> {
  const { config, logger } = options
  const has_admin = config.admin_port !== undefined
  const keys = config.api_keys_file ? openKeyFile(config.api_keys_file, logger) : null
  const tls = tlsFilesOf(config)
  const apps: Opened[] = []
  const open = async (side: Side, address: Address) => {
    const app = await buildApp({ ...options, keys, tls, side })
    const opened: Opened = { app }
    apps.push(opened)
    const url = await app.listen(address).catch((error) => {
      throw listenError(error, address)
    })
    opened.more = await acceptMore(app.server)
    return url
  }
  const close = async (timeout_ms: number) => {
    await Promise.all(apps.map((app) => closeApp(app, timeout_ms)))
    keys?.close()
  }
  try {
    const { host, port } = config
    const shared = config.reuse_port === 'true'
    const url = await open(has_admin ? 'public' : 'both', { host, port, reusePort: shared })
    const admin_url = has_admin ? await open('admin', { host: config.admin_host, port: config.admin_port! }) : null
    return { url, admin_url, close }
  } catch (error) {
    await close(0)
    throw error
  }
}

type Address = { host: string; port: number; reusePort?: boolean }

/** Says what the system does not know how to do, which its own message does not. */
export function listenError(error: NodeJS.ErrnoException, { port, reusePort = false }: Address): Error {
  if (!reusePort || !['ENOTSUP', 'EINVAL', 'ENOPROTOOPT'].includes(error.code ?? '')) return error
  const found = `${process.platform}, where processes cannot share a port`
  return new Error(`REUSE_PORT, port ${port}: found ${found}, expected Linux or BSD: ${error.message}`, {
    cause: error,
  })
}

/** Connections wait for a next request after the last one, so idle ones are closed again and again. */
async function closeApp({ app, more }: Opened, timeout_ms: number) {
  const idle = setInterval(() => app.server.closeIdleConnections(), IDLE_CHECK_MS)
  const force = setTimeout(() => app.server.closeAllConnections(), timeout_ms)
  await Promise.all([app.close(), more?.close()])
  clearInterval(idle)
  clearTimeout(force)
}

const IDLE_CHECK_MS = 20
