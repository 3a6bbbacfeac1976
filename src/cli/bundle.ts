/**
 * `bundle`: the library as one ES module with types, for projects that are not Deno's.
 *
 * @module
 */

import { buildBundle } from "../host/page/build_bundle.ts";
import { action, verb } from "./verb.ts";

/** The verb `bundle`. */
export const bundleVerb = verb(
  "bundle",
  "Write the library as one ES module with types, as Vite and other bundlers take it.",
  "deno task bundle --out dist",
)
  .option("--out <folder>", "where it goes", "dist")
  .action(async (options) => {
    await action<typeof options>(async ({ out }, output) => {
      output.note("bundling");
      const { files, bytes, gzip } = await buildBundle(out);
      const size = `${Math.round(bytes / 1000)} kB, ${Math.round(gzip / 1000)} kB as gzip`;
      output.line(`${files} files in ${out}: featherdet.js is ${size}`);
      return { folder: out, files, bytes, gzip };
    })(options);
  });
