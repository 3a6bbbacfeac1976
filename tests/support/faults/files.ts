/**
 * A file system and workers that fail when they are told to. The ground is a folder; what fails are calls of the runtime, so that whatever the
 * toolkit uses meets them.
 *
 * @module
 */

import { Worker as NodeWorker } from "node:worker_threads";
import { type Armed, armed, Countdown, type Fault, type Grounds, replaceMethod } from "./fault.ts";

/** A folder of its own. */
export interface Folder {
  readonly path: string;
}

/** As the system says it. */
const full = () => new Error("No space left on device (os error 28)");

function replaced(at: number, begin: (countdown: Countdown) => (() => void)[]): Armed {
  const countdown = new Countdown(at);
  const backs = begin(countdown);
  return armed(countdown, () => backs.forEach((back) => back()));
}

/** Half of the bytes are on the disk when it is full. */
const diskFull: Fault<Folder> = {
  name: "disk is full",
  arm: (_, at) =>
    replaced(at, (countdown) => {
      const write = Deno.FsFile.prototype.write;
      const { writeFile, writeTextFile } = Deno;
      return [
        replaceMethod(Deno.FsFile.prototype, "write", () =>
          async function (this: Deno.FsFile, bytes: Uint8Array) {
            if (!countdown.fails()) return await write.call(this, bytes);
            await write.call(this, bytes.subarray(0, bytes.length >> 1));
            throw full();
          }),
        replaceMethod(Deno, "writeFile", () => async (path, data, options) => {
          if (!countdown.fails()) return await writeFile(path, data, options);
          if (data instanceof Uint8Array) await writeFile(path, data.subarray(0, data.length >> 1), options);
          throw full();
        }),
        replaceMethod(Deno, "writeTextFile", () => async (path, data, options) => {
          if (!countdown.fails()) return await writeTextFile(path, data, options);
          if (typeof data === "string") await writeTextFile(path, data.slice(0, data.length >> 1), options);
          throw full();
        }),
      ];
    }),
};

/** A file cannot get its name, as where somebody holds it open on Windows. */
const renaming: Fault<Folder> = {
  name: "rename fails",
  arm: (_, at) =>
    replaced(at, (countdown) => [
      replaceMethod(Deno, "rename", (rename) => async (from, to) => {
        if (countdown.fails()) throw new Deno.errors.PermissionDenied("Permission denied (os error 13)");
        await rename(from, to);
      }),
    ]),
};

/** A file ends before its end, as on a share that went away. */
const shortRead: Fault<Folder> = {
  name: "read is cut short",
  arm: (_, at) =>
    replaced(at, (countdown) => [
      replaceMethod(Deno, "readFile", (read) => async (path, options) => {
        const bytes = await read(path, options);
        return countdown.fails() ? bytes.slice(0, bytes.length >> 1) : bytes;
      }),
      replaceMethod(Deno, "readTextFile", (read) => async (path, options) => {
        const text = await read(path, options);
        return countdown.fails() ? text.slice(0, text.length >> 1) : text;
      }),
    ]),
};

/** A worker throws where nobody catches it, when it is asked something. */
const workerDies: Fault<Folder> = {
  name: "worker dies",
  arm: (_, at) =>
    replaced(at, (countdown) => [
      replaceMethod(Worker.prototype, "postMessage", () =>
        function (this: Worker, ...given: unknown[]) {
          if (!countdown.fails()) return POST_MESSAGE.apply(this, given as Parameters<Worker["postMessage"]>);
          this.dispatchEvent(new ErrorEvent("error", { message: "the worker died", cancelable: true }));
        } as Worker["postMessage"]),
      replaceMethod(NodeWorker.prototype, "postMessage", () =>
        function (this: NodeWorker, ...given: unknown[]) {
          if (!countdown.fails()) return NODE_POST_MESSAGE.apply(this, given as Parameters<NodeWorker["postMessage"]>);
          this.emit("error", new Error("the worker died"));
        }),
    ]),
};

const POST_MESSAGE = Worker.prototype.postMessage, NODE_POST_MESSAGE = NodeWorker.prototype.postMessage;

/** Decides which call of a decoder traps; nobody's business while no fault is armed. */
let traps: Countdown | undefined;

/** From now on decoders of PNG that are made can trap: their instances are kept, so it is too late when the fault is armed. */
function watchDecoders(): void {
  const { Instance } = WebAssembly;
  WebAssembly.Instance = class {
    constructor(module: WebAssembly.Module, imports?: WebAssembly.Imports) {
      const instance = new Instance(module, imports);
      const { decode, ...rest } = instance.exports;
      if (typeof decode !== "function") return instance;
      const trapping = (...given: unknown[]) => {
        if (traps?.fails()) throw new WebAssembly.RuntimeError("unreachable");
        return decode(...given);
      };
      return { exports: { ...rest, decode: trapping } };
    }
  } as unknown as typeof WebAssembly.Instance;
}

/** A decoder ends in the middle of a picture. */
const decoderTraps: Fault<Folder> = {
  name: "decoder traps",
  arm: (_, at) => {
    const countdown = traps = new Countdown(at);
    return armed(countdown, () => traps = undefined);
  },
};

/** All faults of files, workers and decoders. */
export const FILE_FAULTS: readonly Fault<Folder>[] = [diskFull, renaming, shortRead, workerDies, decoderTraps];

/** Folders that are gone with `end`. */
export function folderGrounds(): Grounds<Folder> & { end(): Promise<void> } {
  watchDecoders();
  const made: string[] = [];
  const fresh = async () => {
    const path = await Deno.makeTempDir({ prefix: "featherdet-faults-" });
    made.push(path);
    return { path };
  };
  return {
    for: fresh,
    fresh,
    leave() {},
    unheard: () => [],
    async end() {
      for (const path of made) await Deno.remove(path, { recursive: true });
    },
  };
}
