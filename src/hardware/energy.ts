/**
 * Energy and area of arithmetic and memory, from published tables at 45 nm (`data/energy.json`, with sources).
 *
 * Newer nodes need less of everything, arithmetic more so than DRAM. So figures compare designs with one another; they forecast no chip.
 *
 * @module
 */

import tables from "../../data/energy.json" with { type: "json" };
import type { DevicePrecision } from "./profile.ts";

/** Picojoules of multiply-accumulates; those of bytes are summed in 32 bits. */
export function arithmeticEnergy(macs: number, precision: DevicePrecision): number {
  const { multiply, add } = tables.picojoules[precision];
  return macs * (multiply + add);
}

/** Picojoules of register accesses: one costs as much as a multiply-accumulate of bytes (Eyeriss). */
export function registerEnergy(accesses: number, precision: DevicePrecision): number {
  return tables.register.perMultiplyAccumulate * arithmeticEnergy(accesses, precision);
}

/** Picojoules of bytes that are moved between the chip and DRAM. */
export function dramEnergy(bytes: number): number {
  return bytes * tables.dram.picojoulesPerByte;
}

/**
 * Picojoules of bytes that are read from or written to an SRAM of so many bytes: a power law through the published sizes, also below the
 * least and above the greatest of them.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { sramEnergy } from "./energy.ts";
 * // 64 bits of a cache of 8 kB take 10 pJ.
 * assert.ok(Math.abs(sramEnergy(8, 8 * 1024) - 10) < 1e-9);
 * assert.ok(sramEnergy(1, 64 * 1024) > sramEnergy(1, 32 * 1024));
 * ```
 */
export function sramEnergy(bytes: number, size: number): number {
  const { kilobytes, picojoules } = tables.sram, wanted = size / 1024;
  const above = kilobytes.findIndex((one) => one >= wanted);
  const high = Math.max(1, above < 0 ? kilobytes.length - 1 : above), low = high - 1;
  const power = Math.log(picojoules[high] / picojoules[low]) / Math.log(kilobytes[high] / kilobytes[low]);
  return bytes / 8 * picojoules[low] * (wanted / kilobytes[low]) ** power;
}

/** Square millimetres of int8 multiply-accumulate units with their registers, and of SRAM, at 45 nm. */
export function chipArea({ units, sramBytes }: { readonly units: number; readonly sramBytes: number }): number {
  const { squareMicrometres: { multiply8, add32 }, sram, overhead } = tables.area;
  const unit = (multiply8 + add32) * (1 + overhead.registersPerUnit);
  return (units * unit + sramBytes * 8 * sram.squareMicrometresPerBit * overhead.sram) * 1e-6;
}
