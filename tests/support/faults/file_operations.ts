/**
 * Operations on files that are tried under faults. What is kept includes the names of all files in the folder: a partial file is a fault.
 *
 * @module
 */

import { join } from "node:path";
import { decodeAhead } from "../../../src/eval/decode_ahead.ts";
import { folderStore, openCheckpoint } from "../../../src/host/run_folder.ts";
import { writeWhole } from "../../../src/host/whole_file.ts";
import { decodeImage } from "../../../src/image/codec/decode.ts";
import { encodePng } from "../../../src/image/codec/encode.ts";
import { loadOnnx, saveOnnx } from "../../../src/onnx/mod.ts";
import { writeCheckpoint } from "../../../src/train/loop/checkpoint.ts";
import { NEW_RUN } from "../../../src/train/loop/record.ts";
import type { Operation } from "./fault.ts";
import type { Folder } from "./files.ts";
import { colours, picture } from "./gpu_operations.ts";

const namesIn = (path: string) => [...Deno.readDirSync(path)].map(({ name }) => name).sort();

const checkpoint = (step: number) =>
  writeCheckpoint({
    state: { updates: step, arrays: new Map([["weights", new Float32Array(100).fill(step)]]) },
    run: { ...NEW_RUN, position: { epoch: 0, step, updates: step } },
    settings: {},
  });

async function readBack(place: string) {
  const { checkpoint: { state, run } } = await openCheckpoint(place);
  return [run.position.step, state.arrays.get("weights")![99]];
}

const sumOf = (levels: Uint8Array) => levels.reduce((sum, level, at) => sum + level * (at % 97), 0);

/** All operations on files. */
export const FILE_OPERATIONS: readonly Operation<Folder>[] = [
  {
    name: "a file that is written (`--out`)",
    open: ({ path }) => {
      const file = join(path, "model.onnx");
      return Promise.resolve({
        run: async (input) => {
          await writeWhole(file, `${input}`.repeat(1000));
          return Deno.readTextFileSync(file);
        },
        kept: () => Promise.resolve([Deno.readTextFileSync(file), namesIn(path)]),
        close() {},
      });
    },
  },
  {
    name: "a checkpoint of `train` that is written",
    open: async ({ path }) => {
      const store = await folderStore(path);
      return {
        run: async (input) => {
          await store.write("last.ckpt", await checkpoint(input + 1));
          return input;
        },
        kept: async () => [await readBack(path), namesIn(path)],
        close() {},
      };
    },
  },
  {
    name: "a checkpoint that is read (`--resume`)",
    open: async ({ path }) => {
      for (const input of [0, 1]) await Deno.writeFile(join(path, `${input}.ckpt`), await checkpoint(input + 1));
      return { run: (input) => readBack(join(path, `${input}.ckpt`)), close() {} };
    },
  },
  {
    name: "a model that is loaded",
    open: async ({ path }) => {
      for (const input of [0, 1]) {
        const graph = { ...colours(), metadata: { names: `['a${input}', 'b', 'c']` } };
        await Deno.writeFile(join(path, `${input}.onnx`), saveOnnx(graph));
      }
      return {
        run: async (input) => {
          const { metadata, nodes, outputs } = await loadOnnx(join(path, `${input}.onnx`));
          return [metadata.names, nodes.length, outputs];
        },
        close() {},
      };
    },
  },
  {
    name: "a picture that is decoded",
    open: () =>
      Promise.resolve({
        run: async (input) => {
          const { data } = await decodeImage(await encodePng(picture(input)), `${input}.png`);
          return sumOf(data);
        },
        close() {},
      }),
  },
  {
    name: "a picture that a worker decodes (`detect`)",
    open: () =>
      Promise.resolve({
        run: async (input) => {
          const bytes = await encodePng(picture(input));
          return sumOf((await decodeImage(bytes, `${input}.png`, { timeout: 600_000 })).data);
        },
        close() {},
      }),
  },
  {
    name: "pictures that workers decode (`eval`)",
    open: async ({ path }) => {
      for (const input of [0, 1]) await Deno.writeFile(join(path, `${input}.png`), await encodePng(picture(input)));
      return {
        run: async (input) => {
          const { width, height } = picture(input), file = join(path, `${input}.png`);
          const bytes = async () => await Deno.readFile(file);
          const load = async () => await decodeImage(await Deno.readFile(file), file);
          const image = { id: 1, name: `${input}.png`, file, width, height, boxes: [], bytes, load };
          const sums: number[] = [];
          for await (const decoded of decodeAhead([image, image, image], { workers: 2 })) {
            sums.push(sumOf(decoded.image.data));
          }
          return sums;
        },
        close() {},
      };
    },
  },
];
