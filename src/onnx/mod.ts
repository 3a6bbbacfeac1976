/**
 * ONNX in and out.
 *
 * @module
 */

export { saveOnnx, type SaveOptions } from "./export.ts";
export type { ExternalData } from "./external.ts";
export { importOnnx, type ImportOptions } from "./import.ts";
export type { InputShapes, ShapeOf, StatedInput } from "./inputs.ts";
export { loadOnnx } from "./load.ts";
export { readClassNames } from "./metadata.ts";
export { LEFT_OUT } from "./suppression.ts";
