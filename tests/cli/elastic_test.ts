/** `deno task elastic` and `train --elastic`: what is refused, in a sentence. */

import { inFolder } from "../support/data_folders.ts";
import { assertRefusals } from "../support/command_line.ts";
import { join } from "node:path";

Deno.test("elastic refuses runs of another kind, and budgets that do not go together", () =>
  inFolder(async (folder) => {
    const to = ["--data", "synthetic", "--out", join(folder, "found")], run = ["--run", join(folder, "none")];
    const train = ["train", "--model", "yolo11n", "--data", "synthetic", "--out", join(folder, "run")];
    await assertRefusals([
      [["elastic", ...to], /^error: required option '--run <place>' not specified/],
      [["elastic", ...run, ...to], /needs one budget: give --gflops, or --latency with --device/],
      [["elastic", ...run, ...to, "--latency", "0.5"], /^error: --latency and --device belong together/],
      [["elastic", ...run, ...to, "--gflops", "0.5"], /none/],
      [[...train, "--subnets", "2"], /^error: --subnets is for elastic networks: give --elastic/],
      [[...train, "--elastic", "--quantize", "4bit"], /^error: --quantize and --elastic do not go together/],
      [[...train, "--elastic", "--fixed-norm"], /^error: --fixed-norm and --elastic do not go together/],
      [[...train, "--elastic", "0.5,2"], /argument '0.5,2' is invalid. Expected a number from 0.01 to 1/],
      [[...train, "--elastic", "--elastic-fixed", "width"], /Expected depth or kernels/],
    ]);
  }));
