/**
 * Every shader of the program by its path below `shaders/`, as the linker wants them.
 *
 * @module
 */

import type { ShaderLibrary } from "../gpu/linker.ts";
import convDirect from "../../shaders/conv/direct.wgsl" with { type: "text" };
import activation from "../../shaders/lib/activation.wgsl" with { type: "text" };
import input from "../../shaders/lib/input.wgsl" with { type: "text" };
import output from "../../shaders/lib/output.wgsl" with { type: "text" };
import storage from "../../shaders/lib/storage.wgsl" with { type: "text" };
import weights from "../../shaders/lib/weights.wgsl" with { type: "text" };

/** The shader library. */
export const SHADERS: ShaderLibrary = {
  "conv/direct.wgsl": convDirect,
  "lib/activation.wgsl": activation,
  "lib/input.wgsl": input,
  "lib/output.wgsl": output,
  "lib/storage.wgsl": storage,
  "lib/weights.wgsl": weights,
};
