/**
 * The nodes of a file in an order in which they can be computed, without those that no output needs. Files should list them so; some
 * exporters append nodes behind their readers.
 *
 * @module
 */

import type { onnx } from "npm:onnx-proto@8.0.1";
import { FeatherdetError } from "../graph/error.ts";

const placeOf = ({ name, opType }: onnx.INodeProto) => ({ node: name || opType || "", operator: opType ?? "" });

/** The node that makes each value. Throws FeatherdetError for a value that is made twice, or given and made. */
function makersOf(nodes: readonly onnx.INodeProto[], isGiven: (value: string) => boolean) {
  const makers = new Map<string, onnx.INodeProto>();
  for (const node of nodes) {
    for (const value of node.output ?? []) {
      if (!value) continue;
      const first = makers.get(value);
      if (first || isGiven(value)) {
        const by = first ? `"${first.name || first.opType}" makes it first` : "it is an input or initializer";
        throw new FeatherdetError(`output "${value}" is made a second time: ${by}`, placeOf(node));
      }
      makers.set(value, node);
    }
  }
  return makers;
}

/**
 * The nodes that the outputs need, each behind those that make its inputs; nodes that are in order stay so.
 *
 * Throws FeatherdetError for a value that is made twice and for nodes that need each other.
 */
export function orderNodes(
  nodes: readonly onnx.INodeProto[],
  outputs: readonly string[],
  isGiven: (value: string) => boolean,
): onnx.INodeProto[] {
  const makers = makersOf(nodes, isGiven);
  const needed = new Set<onnx.INodeProto>();
  const pending = outputs.map((value) => makers.get(value));
  while (pending.length > 0) {
    const node = pending.pop();
    if (!node || needed.has(node)) continue;
    needed.add(node);
    for (const value of node.input ?? []) pending.push(makers.get(value));
  }
  const ordered: onnx.INodeProto[] = [];
  const state = new Map<onnx.INodeProto, "open" | "done">();
  for (const root of nodes) {
    if (!needed.has(root)) continue;
    // A stack instead of recursion: graphs may be deeper than the call stack. Each entry remembers which input comes next.
    const stack = [{ node: root, next: 0 }];
    while (stack.length > 0) {
      const top = stack[stack.length - 1];
      const inputs = top.node.input ?? [];
      if (state.get(top.node) === "done") {
        stack.pop();
        continue;
      }
      state.set(top.node, "open");
      let maker: onnx.INodeProto | undefined;
      while (top.next < inputs.length && !maker) {
        const found = makers.get(inputs[top.next++]);
        if (found && state.get(found) !== "done") maker = found;
      }
      if (!maker) {
        state.set(top.node, "done");
        ordered.push(top.node);
        stack.pop();
      } else if (state.get(maker) === "open") {
        const { node } = placeOf(maker);
        throw new FeatherdetError(`depends on its own output by way of "${node}"`, placeOf(top.node));
      } else {
        stack.push({ node: maker, next: 0 });
      }
    }
  }
  return ordered;
}
