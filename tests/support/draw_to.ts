/**
 * Where pictures are drawn to, by their names.
 *
 * @module
 */

import { drawTargets } from "../../src/cli/draw_targets.ts";

/** `drawTargets` for pictures. */
export function drawTo(files: readonly string[], target: string, force?: boolean): string[] {
  return drawTargets(files.map((file) => ({ file, content: "picture" })), target, force);
}
