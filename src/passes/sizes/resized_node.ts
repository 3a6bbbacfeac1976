/**
 * What the rules of this folder see of a node while a graph is changed to other input sizes.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/error.ts";
import type { Shape } from "../../graph/graph.ts";
import type { Node } from "../../graph/operators.ts";
import type { Dim, Dims } from "./dim.ts";

/** A node while its graph is changed. */
export interface ResizedNode {
  /** Dims of the node's inputs. */
  readonly inputs: readonly Dims[];
  /** Shapes of the outputs as exported. */
  readonly oldOutputs: readonly Shape[];
  /** What an extent of that kind, met earlier, becomes; undefined if none was met or they disagree. */
  lookUp(kind: string, old: number): number | undefined;
}

/** Throws the error of a node that cannot be changed. */
export function refuse(node: Node, detail: string): never {
  throw new FeatherdetError(detail, { node: node.name, operator: node.op });
}

/** Throws the error of an operator that only training has. */
export function refuseTraining(node: Node): never {
  refuse(node, "is of a training graph, which is not changed but made anew from a model of the other size");
}

/** An extent as text, `400 -> 100`. */
export function showChange(old: number, next: number): string {
  return `${old} -> ${next}`;
}

/** The kind of the first changing factor; "" for an extent that does not change. */
export function kindOf(dim: Dim): string {
  for (const factor of dim) if (typeof factor !== "number") return factor.kind;
  return "";
}
