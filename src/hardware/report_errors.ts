/**
 * How far predictions of networks that the model had not seen are off, by family and by device.
 *
 * @module
 */

import { bandFactor, FITS, type UnseenErrors, unseenErrors } from "./fitted.ts";
import { findDevice, type Scope } from "./profile.ts";

/** Errors of a family or of one of its devices. */
export interface ErrorRow extends UnseenErrors {
  readonly family: string;
  /** Absent in the row of the whole family. */
  readonly device?: string;
  readonly scope: Scope;
  /** Half the width of the band, as a factor. */
  readonly band: number;
}

/** A row for each family, and one for each of its devices behind it. */
export function errorRows(): ErrorRow[] {
  return FITS.flatMap((fit): ErrorRow[] => {
    const devices = Object.keys(fit.parameters), { family, unseen } = fit;
    const { scope } = findDevice(devices[0]).family;
    const own = devices.map((device): ErrorRow => {
      const rows = unseen.filter((row) => row.device === device);
      return { family, device, scope, band: bandFactor(fit, device), ...unseenErrors(rows) };
    });
    // No device of that name: the band that all of them have at least.
    return [{ family, scope, band: bandFactor(fit, ""), ...unseenErrors(unseen) }, ...own];
  });
}
