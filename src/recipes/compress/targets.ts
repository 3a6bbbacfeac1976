/**
 * What a compressed model has to be: targets such as `map50=0.98`, `gflops=0.25`, `latency=0.3@jetson-orin-nano`.
 *
 * @module
 */

import { FeatherdetError } from "../../graph/error.ts";
import { predictedNames } from "../predicted_latency.ts";

/** What a target is about: `map` and `map50` are to be reached, costs are not to be exceeded. */
export type TargetKind = "map" | "map50" | "gflops" | "bytes" | "parameters" | "latency";

/** Figures that are to be reached; the others are costs. */
const GAINS: readonly TargetKind[] = ["map", "map50"];

const KINDS: readonly TargetKind[] = [...GAINS, "gflops", "bytes", "parameters", "latency"];

/** One target. */
export interface Target {
  readonly kind: TargetKind;
  /** A share of the original's figure, or the figure itself. */
  readonly value: number;
  /** Whether the value is the figure itself: mAP in 0..1, GFLOPs, bytes, parameters, milliseconds. */
  readonly absolute: boolean;
  /** Of latency: the device it is predicted for; without one it is measured on this adapter. */
  readonly device?: string;
}

/** Figures of a model that targets are about. Of those that were not asked for, some may be missing. */
export type TargetFigures = Readonly<Partial<Record<string, number>>>;

/** Under which name the figure of a target is kept. */
export const figureOf = ({ kind, device }: Pick<Target, "kind" | "device">): string =>
  device === undefined ? kind : `${kind}@${device}`;

/** Whether more is better. */
export const isGain = ({ kind }: Pick<Target, "kind">): boolean => GAINS.includes(kind);

/**
 * Reads `KIND=SHARE`, `KIND=abs:NUMBER` and `latency=...@DEVICE`.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { parseTarget } from "./targets.ts";
 * assert.deepEqual(parseTarget("map50=0.98"), { kind: "map50", value: 0.98, absolute: false });
 * assert.deepEqual(parseTarget("latency=abs:12@jetson-orin-nano"), {
 *   kind: "latency", value: 12, absolute: true, device: "jetson-orin-nano",
 * });
 * ```
 *
 * Throws FeatherdetError for anything else, for shares that are not above 0, and for unknown devices.
 */
export function parseTarget(text: string): Target {
  const found = /^([a-z0-9]+)=(abs:)?([0-9.eE+-]+)(?:@(.+))?$/.exec(text);
  const value = Number(found?.[3]);
  const kind = KINDS.find((one) => one === found?.[1]);
  if (!found || !kind || !(value > 0 && Number.isFinite(value))) {
    const forms = "such as map50=0.98, gflops=0.25, bytes=abs:800000 or latency=0.3@jetson-orin-nano";
    throw new FeatherdetError(
      `"${text}" is no target: expected ${KINDS.join(", ")} with a share of the original's, ${forms}`,
    );
  }
  const [, , abs, , device] = found, absolute = abs !== undefined;
  if (device !== undefined && kind !== "latency") {
    throw new FeatherdetError(`"${text}" is no target: only latency is of a device`);
  }
  if (device !== undefined && !predictedNames().includes(device)) {
    throw new FeatherdetError(`"${text}": unknown device "${device}", there are ${predictedNames().join(", ")}`);
  }
  return { kind, value, absolute, ...device !== undefined && { device } };
}

/** A target as it is written. */
export function targetText({ kind, value, absolute, device }: Target): string {
  return `${kind}=${absolute ? "abs:" : ""}${value}${device === undefined ? "" : `@${device}`}`;
}

/** Throws FeatherdetError for targets of which two are about the same. */
export function checkTargets(targets: readonly Target[]): void {
  const names = targets.map(figureOf);
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) throw new FeatherdetError(`two targets are about ${twice}`);
  if (targets.length === 0) throw new FeatherdetError("--target says what the model has to be, such as map50=0.98");
}

/** What a target asks for, in the figure's own unit. */
export function wanted(target: Target, original: TargetFigures): number {
  return target.absolute ? target.value : target.value * original[figureOf(target)]!;
}

/** The targets that a model does not meet. */
export function unmet(targets: readonly Target[], figures: TargetFigures, original: TargetFigures): readonly Target[] {
  return targets.filter((target) => {
    const own = figures[figureOf(target)], limit = wanted(target, original);
    if (own === undefined) return true;
    return isGain(target) ? own < limit * (1 - 1e-9) : own > limit * (1 + 1e-9);
  });
}

/** The share of the original's figure that a cost target leaves; undefined where there is no such target. */
export function shareWanted(targets: readonly Target[], kind: TargetKind, original: TargetFigures): number | undefined {
  const shares = targets.filter((target) => target.kind === kind && !isGain(target)).map((target) => {
    const own = original[figureOf(target)];
    return target.absolute ? own === undefined ? 1 : target.value / own : target.value;
  });
  return shares.length === 0 ? undefined : Math.min(...shares);
}
