/**
 * `federated --page`: serves the page whose tabs are clients, and hands them jobs of their queues.
 *
 * @module
 */

import { cacheFolder } from "../data/cache.ts";
import { FeatherdetError } from "../graph/error.ts";
import { buildClientPage } from "../host/page/build_client_page.ts";
import { type ServedFolder, serveFolder } from "../host/page/serve_folder.ts";
import { TabBridge } from "../recipes/federated/tab_bridge.ts";

/** Where and for whom a page is served. */
export interface ClientPageOptions {
  /** Queues of the clients. */
  readonly queue: string;
  readonly clients: number;
  readonly port: number;
  readonly host: string;
  readonly say: (line: string) => void;
}

/** A page that is served. */
export interface ServedPage extends AsyncDisposable {
  readonly url: string;
}

/** Largest file that a tab may send: updates are as large as the model. */
const MOST_BYTES = 2 ** 30;

/** Whether a request comes from the page itself: a page of somebody else could otherwise pose as a client. */
function isOwn(request: Request): boolean {
  const origin = request.headers.get("origin");
  return origin !== null && URL.parse(origin)?.host === request.headers.get("host");
}

const refused = (status: number, why: string) => new Response(why, { status });

/** A tab's request for a socket or a file; undefined for the files of the page. */
async function answer(bridge: TabBridge, request: Request): Promise<Response | undefined> {
  const { pathname } = new URL(request.url);
  const [, kind, name] = /^\/(client|files)\/([0-9a-f]+)$/.exec(pathname) ?? [];
  if (kind === "client") {
    if (!isOwn(request)) return refused(403, "only this page's tabs are clients");
    if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") return refused(426, "expected a WebSocket");
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.addEventListener("open", () => bridge.serve(Number(name), socket));
    return response;
  }
  if (kind !== "files") return undefined;
  try {
    if (request.method === "GET") return new Response(await bridge.files.get(name));
    if (request.method !== "PUT" || !isOwn(request)) return refused(403, "only this page's tabs send files");
    if (Number(request.headers.get("content-length") ?? Infinity) > MOST_BYTES) return refused(413, "too large");
    const bytes = await request.bytes(), hash = await bridge.files.put(bytes);
    return hash === name ? new Response(hash) : refused(400, `the bytes are of the hash ${hash}`);
  } catch (error) {
    if (error instanceof FeatherdetError) return refused(404, error.message);
    throw error;
  }
}

/** Builds and serves the page. Throws FeatherdetError for a port that is taken and as `openJobQueue` does. */
export async function serveClientPage(
  { queue, clients, port, host, say }: ClientPageOptions,
): Promise<ServedPage> {
  const folder = cacheFolder("client-page");
  say("building the page");
  await buildClientPage(folder);
  const bridge = await TabBridge.open(queue, clients, say);
  let served: ServedFolder;
  try {
    served = serveFolder(folder, port, { host, first: (request) => answer(bridge, request) });
  } catch (error) {
    await bridge[Symbol.asyncDispose]();
    throw error;
  }
  return {
    url: served.url,
    async [Symbol.asyncDispose]() {
      await bridge[Symbol.asyncDispose]();
      await served.stop();
    },
  };
}
