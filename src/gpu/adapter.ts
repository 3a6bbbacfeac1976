/**
 * What is known of an adapter, and what it is called.
 *
 * @module
 */

/** What is known of an adapter. Every record of a measurement holds it. */
export interface AdapterRecord {
  /** The driver's name for it. */
  readonly name: string;
  /** The vendor's name or number. */
  readonly vendor: string;
  /** Family of the chip, if it is known. */
  readonly architecture: string;
  /** True for an adapter that computes on the CPU. */
  readonly software: boolean;
  /** Whether packed dot products of bytes passed a known-answer check. If not, int8 is computed without them. Absent before the check. */
  readonly packedDot?: boolean;
}

/** The record of what a driver says of itself. */
export function describeAdapter(info: GPUAdapterInfo): AdapterRecord {
  const name = [info.device, info.description].filter((text) => text && !/^0?x?0*$/.test(text)).join(" ") ||
    info.vendor || "unknown";
  const software = info.isFallbackAdapter === true ||
    /llvmpipe|swiftshader|lavapipe|basic render/i.test(`${name} ${info.vendor} ${info.architecture}`);
  return { name, vendor: info.vendor, architecture: info.architecture, software };
}

/** What is known of the adapter behind a device. */
export function adapterOf(device: GPUDevice): AdapterRecord {
  const info = (device as GPUDevice & { adapterInfo?: GPUAdapterInfo }).adapterInfo;
  return info ? describeAdapter(info) : { name: "unknown", vendor: "", architecture: "", software: false };
}

/** The name of an adapter for people, with a word where it computes on the CPU. */
export function adapterText({ name, software }: Pick<AdapterRecord, "name" | "software">): string {
  return software ? `${name} (software)` : name;
}
