/**
 * A training step in PyTorch, done by a Python process whenever it is asked: what `train_step.ts` takes turns with.
 *
 * @module
 */

import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";

/** The process, ready for its first step. */
export interface TorchStep {
  /** Versions of what it runs. */
  readonly versions: string;
  /** Does one step; returns its milliseconds as Python measured them. Throws Error where the process has ended. */
  step(): Promise<number>;
  /** Ends the process. */
  end(): Promise<void>;
}

/** Starts `python` on the peer's script with these arguments. Throws Error with what it said where it does not come up. */
export async function torchStep(python: string, args: readonly string[]): Promise<TorchStep> {
  const script = fileURLToPath(new URL("../tests/fixtures/torch_train_step.py", import.meta.url));
  const child = new Deno.Command(python, { args: [script, ...args], stdin: "piped", stdout: "piped" }).spawn();
  const lines = createInterface({ input: Readable.from(child.stdout) })[Symbol.asyncIterator]();
  const writer = child.stdin.getWriter();
  const line = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`${python} ended without an answer; what it said stands above`);
    return value;
  };
  let first = await line();
  while (!first.startsWith("ready ")) first = await line(); // libraries greet on stdout too
  const newline = new TextEncoder().encode("\n");
  return {
    versions: first.slice("ready ".length),
    step: async () => {
      await writer.write(newline);
      return Number(await line());
    },
    end: async () => {
      await writer.close();
      await child.status;
    },
  };
}
