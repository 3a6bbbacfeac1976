/**
 * Channels: which of them go together, what slices of constants belong to them, and which must stay.
 *
 * @module
 */

export { type BundleMember, type ChannelBundle, channelBundles } from "./bundles.ts";
export {
  type CarriedChannels,
  type ChannelMember,
  type CouplingGroup,
  type CouplingGroups,
  couplingGroups,
} from "./groups.ts";
export { type ChannelOrigin, channelOrigins } from "./origins.ts";
export { printGroups } from "./print.ts";
export { CHANNELS } from "./table.ts";
export type { ChannelRole, KeptReason } from "./tracker.ts";
export { type WeightAxes, weightAxes } from "./weight_axes.ts";
