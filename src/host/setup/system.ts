/**
 * What the set-up needs to know of the machine and do to it, so that its decisions can be tested without a bare machine.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/error.ts";
import { denoProgram } from "../run_deno.ts";
import { lockOptions } from "./locked.ts";

/** The machine as the set-up sees it. */
export interface System {
  /** Whether WebGPU finds an adapter in this process that computes correctly. */
  hasAdapter(): Promise<boolean>;
  /** Value of an environment variable. */
  variable(name: string): string | undefined;
  /** Whether this process may install packages. */
  isRoot(): boolean;
  /** Whether this is Debian, Ubuntu or another system with apt. */
  hasApt(): boolean;
  /** Runs a command to its end; `output` holds what it wrote to stdout and stderr. */
  run(command: string, args: readonly string[]): Promise<{ success: boolean; output: string }>;
}

/** Names the graphics interfaces that Deno looks for adapters through. */
const BACKEND_VARIABLE = "DENO_WEBGPU_BACKEND";

/** An error of the permissions in one sentence that says what else to do. */
function notAllowed(error: unknown, command: string, instead: string): unknown {
  if (!(error instanceof Deno.errors.NotCapable)) return error;
  return new FeatherdetError(`this program may not start ${command}: ${instead}`, {}, { cause: error });
}

/** The machine this process runs on. */
export const thisSystem: System = {
  async hasAdapter() {
    // Where there is no Vulkan driver, Deno takes an OpenGL one, which accepts the shaders and computes wrong results.
    if (Deno.build.os === "linux" && Deno.env.get(BACKEND_VARIABLE) === undefined) {
      Deno.env.set(BACKEND_VARIABLE, "vulkan");
    }
    return await navigator.gpu?.requestAdapter() != null;
  },
  variable: (name) => Deno.env.get(name),
  isRoot: () => Deno.build.os === "linux" && Deno.uid() === 0,
  hasApt() {
    try {
      return Deno.statSync("/usr/bin/apt-get").isFile;
    } catch {
      return false;
    }
  },
  async run(command, args) {
    const child = new Deno.Command(command, {
      args: [...args],
      env: { DEBIAN_FRONTEND: "noninteractive" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    });
    const { success, stdout, stderr } = await child.output().catch((error) => {
      throw notAllowed(error, command, `run it yourself, ${command} ${args.join(" ")}`);
    });
    const text = new TextDecoder();
    return { success, output: text.decode(stdout) + text.decode(stderr) };
  },
};

/** What the command line's tasks are allowed, but for installing: that is done. */
const AGAIN = ["--no-prompt", ...["read", "write", "net", "env", "sys"].map((name) => `--allow-${name}`)];

/**
 * Runs this program again with the same arguments and more environment variables, and returns its exit status. Input and output are
 * shared with it.
 */
export async function runAgain(program: string, args: readonly string[], env: Record<string, string>): Promise<number> {
  const child = new Deno.Command(denoProgram(), {
    args: ["run", ...lockOptions(), ...AGAIN, program, ...args],
    env,
    stdin: "inherit",
    stdout: "inherit",
    stderr: "inherit",
  });
  try {
    return (await child.spawn().status).code;
  } catch (error) {
    throw notAllowed(error, "deno", "the driver is installed now, run the same command again");
  }
}
