/**
 * The latency model fitted to the published rows of a family, and how far it is off on networks that it has not seen.
 *
 * @module
 */

import {
  DEVICE_PARAMETERS,
  type LatencyParameter,
  type LatencyParameters,
  networkTime,
  type Priors,
  priorsOf,
  SHARED_PARAMETERS,
} from "./latency_model.ts";
import { leastSquares } from "./least_squares.ts";
import { type DeviceFamily, type DeviceProfile, type PublishedTime, publishedTimes } from "./profile.ts";
import { yardstick } from "./yardsticks.ts";

/** Standard deviation of the logarithm of a published time around the model's, against which priors are weighed. */
const NOISE = 0.05;

/** The parameters of every device of a family. */
export type FittedFamily = ReadonlyMap<DeviceProfile, LatencyParameters>;

/** The parameters of a device in the vector of logarithms that is searched: the shared ones first, then each device's. */
function parametersAt(vector: readonly number[], device: number): LatencyParameters {
  const shared = SHARED_PARAMETERS.map((name, i) => [name, Math.exp(vector[i])]);
  const first = SHARED_PARAMETERS.length + device * DEVICE_PARAMETERS.length;
  const own = DEVICE_PARAMETERS.map((name, i) => [name, Math.exp(vector[first + i])]);
  return Object.fromEntries([...shared, ...own]);
}

/** Means and spreads of the logarithms. */
function priorVector({ devices }: DeviceFamily, priors: Priors): readonly (readonly [mean: number, spread: number])[] {
  const names: LatencyParameter[] = [...SHARED_PARAMETERS, ...devices.flatMap(() => DEVICE_PARAMETERS)];
  return names.map((name) => [Math.log(priors[name][0]), priors[name][1]]);
}

/**
 * Fits the model of a family: the parameters that are likeliest, given the times and the priors. With no times they are the priors'
 * own values. Throws FeatherdetError for rows of networks that cannot be built.
 */
export function fitFamily(
  family: DeviceFamily,
  times: readonly PublishedTime[] = publishedTimes(family),
): FittedFamily {
  const { devices, tail } = family, priors = priorVector(family, priorsOf(family));
  const rows = times.map(({ device, precision, model, milliseconds }) => {
    return {
      at: devices.indexOf(device),
      device,
      precision,
      table: yardstick(model, tail),
      log: Math.log(milliseconds),
    };
  });
  const offOf = ({ device, precision, table, log }: typeof rows[number], parameters: LatencyParameters) =>
    (Math.log(networkTime(table, device, precision, parameters)) - log) / NOISE;
  const strain = (value: number, i: number) => (value - priors[i][0]) / priors[i][1];
  const residuals = (vector: readonly number[]) => {
    const parameters = devices.map((_, device) => parametersAt(vector, device));
    return Float64Array.from([...rows.map((row) => offOf(row, parameters[row.at])), ...vector.map(strain)]);
  };
  const moved = (vector: readonly number[], index: number, before: Float64Array) => {
    const own = Math.floor((index - SHARED_PARAMETERS.length) / DEVICE_PARAMETERS.length);
    if (own < 0) return residuals(vector);
    // A device's parameter moves nothing but the device's rows.
    const after = Float64Array.from(before), parameters = parametersAt(vector, own);
    rows.forEach((row, i) => {
      if (row.at === own) after[i] = offOf(row, parameters);
    });
    after[rows.length + index] = strain(vector[index], index);
    return after;
  };
  const found = leastSquares(priors.map(([mean]) => mean), residuals, { moved });
  return new Map(devices.map((device, i) => [device, parametersAt(found, i)]));
}

/** A published time beside what the model says of it without having seen any row of that network. */
export interface UnseenTime extends PublishedTime {
  /** Milliseconds. */
  readonly predicted: number;
  /** Predicted over published, less 1. */
  readonly error: number;
}

/**
 * Leaves one network out at a time, with all its rows on all devices of the family and in all precisions, fits the others and predicts
 * its rows.
 */
export function leaveOneModelOut(family: DeviceFamily): UnseenTime[] {
  const times = publishedTimes(family);
  return [...new Set(times.map(({ model }) => model))].flatMap((model) => {
    const fitted = fitFamily(family, times.filter((one) => one.model !== model));
    return times.filter((one) => one.model === model).map((one): UnseenTime => {
      const { device, precision, milliseconds } = one;
      const predicted = networkTime(yardstick(model, family.tail), device, precision, fitted.get(device)!);
      return { ...one, predicted, error: predicted / milliseconds - 1 };
    });
  });
}
