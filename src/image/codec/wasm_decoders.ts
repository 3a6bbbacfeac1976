/**
 * Decoders of JPEG, PNG and WebP as WebAssembly (@jsquash), each an instance of its own memory that is replaced once it has failed.
 *
 * A decoder that gave up in the middle of a file keeps what it had allocated, and in the end refuses good files too. An instance is
 * only used without interruption, so that what it prints belongs to the file that it decodes.
 *
 * @module
 */

import mozjpeg from "npm:@jsquash/jpeg@1.6.0/codec/dec/mozjpeg_dec.js";
import libwebp from "npm:@jsquash/webp@1.5.0/codec/dec/webp_dec.js";
import type { RgbaPixels } from "./codec.ts";

/** Decodes a file without interruption; throws anything where it cannot. `complaints` takes what is printed meanwhile. */
export type Decoder = (bytes: Uint8Array<ArrayBuffer>, complaints: string[]) => RgbaPixels;

/** What Emscripten's glue code takes and gives, as far as it is used here. */
interface EmscriptenModule {
  decode(bytes: Uint8Array<ArrayBuffer>, ...options: boolean[]): RgbaPixels | null;
}

type EmscriptenFactory = (options: {
  readonly noInitialRun: true;
  readonly instantiateWasm: (
    imports: WebAssembly.Imports,
    done: (instance: WebAssembly.Instance) => void,
  ) => WebAssembly.Exports;
  readonly printErr: (line: string) => void;
}) => Promise<EmscriptenModule>;

/** Emscripten counts arguments: `options` are those of the function that is called. */
async function emscripten(factory: unknown, module: WebAssembly.Module, options: boolean[] = []): Promise<Decoder> {
  let heard: string[] = [];
  const made = await (factory as EmscriptenFactory)({
    noInitialRun: true,
    instantiateWasm(imports, done) {
      const instance = new WebAssembly.Instance(module, imports);
      done(instance);
      return instance.exports;
    },
    printErr: (line) => void heard.push(line),
  });
  return (bytes, complaints) => {
    heard = complaints;
    const pixels = made.decode(bytes, ...options);
    if (!pixels) throw new Error("no pixels");
    return pixels;
  };
}

/** The exports of the Rust decoder that are used here. */
interface RustExports {
  readonly memory: WebAssembly.Memory;
  __wbindgen_malloc(length: number, alignment: number): number;
  __wbindgen_free(pointer: number, length: number, alignment: number): void;
  decode(pointer: number, length: number): number;
}

/** What the package's own glue does, which keeps one instance for ever. */
function rustPng(module: WebAssembly.Module): Decoder {
  let made: RgbaPixels | undefined;
  const takePixels = (pointer: number, length: number, width: number, height: number) => {
    const data = new Uint8ClampedArray(exports.memory.buffer, pointer, length).slice();
    exports.__wbindgen_free(pointer, length, 1);
    made = { width: width >>> 0, height: height >>> 0, data };
    return 0;
  };
  const fail = () => {
    throw new Error("the decoder stopped");
  };
  const wbg = Object.fromEntries(
    WebAssembly.Module.imports(module).map(({ name }) =>
      [name, /owned.*clamped/.test(name) ? takePixels : /throw/.test(name) ? fail : () => 0] as const
    ),
  );
  const exports = new WebAssembly.Instance(module, { wbg }).exports as unknown as RustExports;
  return (bytes) => {
    made = undefined;
    const pointer = exports.__wbindgen_malloc(bytes.length, 1) >>> 0;
    new Uint8Array(exports.memory.buffer).set(bytes, pointer);
    exports.decode(pointer, bytes.length);
    return made ?? fail();
  };
}

const SOURCES: Readonly<
  Record<string, { readonly wasm: string; make(module: WebAssembly.Module): Decoder | Promise<Decoder> }>
> = {
  JPEG: {
    wasm: "npm:@jsquash/jpeg@1.6.0/codec/dec/mozjpeg_dec.wasm",
    // It does not turn the picture: that is done for all formats alike.
    make: (module) => emscripten(mozjpeg, module, [false]),
  },
  PNG: { wasm: "npm:@jsquash/png@3.1.1/codec/pkg/squoosh_png_bg.wasm", make: rustPng },
  WebP: { wasm: "npm:@jsquash/webp@1.5.0/codec/dec/webp_dec.wasm", make: (module) => emscripten(libwebp, module) },
};

/** Compiled once; an instance of it is quickly made. */
const modules = new Map<string, Promise<WebAssembly.Module>>();
const decoders = new Map<string, Promise<Decoder>>();

async function compiled(format: string): Promise<WebAssembly.Module> {
  const response = await fetch(import.meta.resolve(SOURCES[format].wasm));
  return await WebAssembly.compile(await response.arrayBuffer());
}

/** Keeps what a promise gives, unless it fails: then the next call tries again. */
function remembered<T>(kept: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  const found = kept.get(key) ?? make();
  kept.set(key, found);
  found.catch(() => kept.get(key) === found && kept.delete(key));
  return found;
}

/** A decoder that is ready to work on one file; `format` is `JPEG`, `PNG` or `WebP`. Throws where it cannot be loaded. */
export function wasmDecoder(format: string): Promise<Decoder> {
  return remembered(decoders, format, async () => {
    return await SOURCES[format].make(await remembered(modules, format, () => compiled(format)));
  });
}

/** Forgets a decoder that failed: the next file gets another. */
export function replaceDecoder(format: string): void {
  decoders.delete(format);
}
