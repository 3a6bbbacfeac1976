/** `quantize` that is interrupted while it measures what it has written. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { ModelBuilder } from "../../src/models/builder.ts";
import { loadOnnx, saveOnnx } from "../../src/onnx/mod.ts";
import { interrupted } from "../support/command_line.ts";
import { inFolder } from "../support/data_folders.ts";
import { writeDemoFolder } from "../support/demo_dataset.ts";

Deno.test({
  name: "Ctrl-C behind the calibration leaves the file, which is whole, and status 130",
  ignore: Deno.build.os === "windows",
  fn: () =>
    inFolder(async (folder) => {
      const set = join(folder, "set"), model = join(folder, "small.onnx"), out = join(folder, "out.onnx");
      await Deno.mkdir(set);
      await writeDemoFolder(set, 3);
      const b = new ModelBuilder({ seed: 2 });
      const first = b.convBlock("first", b.input("images", [1, 3, 64, 64]), { out: 8, kernel: 3, stride: 2 });
      await Deno.writeFile(model, saveOnnx(b.graph("small", [b.conv("last", first, { out: 4 })])));
      const args = ["--model", model, "--calibrate", set, "--out", out, "--float", "none", "--sensitivity", "3"];
      // It warns of so few when the file is written.
      const { code, said, stdout } = await interrupted(["quantize", ...args, "--json"], /calibrated on 3 samples only/);
      const { reason, file } = JSON.parse(stdout);
      assertEquals([code, reason, file], [130, "interrupted", { name: out }], said);
      assertStringIncludes(said, "out.onnx is written, not all of it is measured");
      assert((await loadOnnx(out)).nodes.some(({ op }) => op === "QuantizeLinear"));
    }),
});
