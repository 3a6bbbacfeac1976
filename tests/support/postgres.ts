/**
 * A PostgreSQL server of Debian's package in a temporary folder, as another user where this one is root: it refuses to run as root.
 *
 * @module
 */

import { join } from "node:path";

/** The folder of PostgreSQL's programs; undefined where it is not installed. */
export function postgresPrograms(): string | undefined {
  const root = "/usr/lib/postgresql";
  try {
    const versions = [...Deno.readDirSync(root)].map(({ name }) => Number(name)).filter(Number.isInteger);
    return versions.length > 0 ? join(root, String(Math.max(...versions)), "bin") : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Why tests with a server are ignored; undefined where they run. */
export const WITHOUT_POSTGRES: string | undefined = postgresPrograms() === undefined
  ? "PostgreSQL is not installed (apt-get install postgresql)"
  : undefined;

/** A number of a port that nobody listens on. */
function freePort(): number {
  using listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  return listener.addr.port;
}

async function output(words: readonly string[]): Promise<string> {
  const [first, ...rest] = words;
  // The server inherits what it is started with: piped output would stay open until it ends.
  const { code, stderr } = await new Deno.Command(first, { args: rest, stdin: "null", stdout: "null", stderr: "piped" })
    .output();
  const text = new TextDecoder().decode(stderr);
  if (code !== 0) throw new Error(`${words.join(" ")}: ${text}`);
  return text;
}

/** A server that runs. */
export class PostgresServer implements AsyncDisposable {
  private constructor(
    readonly url: string,
    private readonly folder: string,
    private readonly control: (verb: string, ...words: string[]) => Promise<void>,
  ) {}

  /** Makes a database and starts its server. */
  static async start(): Promise<PostgresServer> {
    const programs = postgresPrograms()!, folder = await Deno.makeTempDir({ prefix: "postgres-" });
    const as = Deno.uid() === 0 ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] : [];
    if (as.length > 0) await output(["chown", "postgres:postgres", folder]);
    const data = join(folder, "data"), port = freePort();
    await output([
      ...[...as, join(programs, "initdb"), "--pgdata", data, "--username=featherdet", "--auth=trust"],
      ...["--no-locale", "--encoding=UTF8", "--no-sync"],
    ]);
    const control = async (verb: string, ...words: string[]) => {
      await output([
        ...[...as, join(programs, "pg_ctl"), verb, "--pgdata", data, "--wait", "--log", join(folder, "log")],
        ...words,
      ]);
    };
    await control("start", "-o", `-p ${port} -k ${folder} -c listen_addresses=127.0.0.1`);
    return new PostgresServer(`postgres://featherdet@127.0.0.1:${port}/postgres`, folder, control);
  }

  /** Stops it, breaking every connection, and starts it again. */
  async restart(): Promise<void> {
    await this.control("restart", "--mode=fast");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.control("stop", "--mode=immediate");
    await Deno.remove(this.folder, { recursive: true });
  }
}
