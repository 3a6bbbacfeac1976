/**
 * A distance as a distribution over whole numbers of strides, and the distribution focal loss (Li et al. 2020).
 *
 * @module
 */

/** Shares of the bins: softmax of their logits. */
export function sharesOf(logits: readonly number[]): number[] {
  const most = Math.max(...logits);
  const shares = logits.map((logit) => Math.exp(logit - most));
  const sum = shares.reduce((a, b) => a + b);
  return shares.map((share) => share / sum);
}

/** The mean of the distribution, in strides. */
export function distanceOf(shares: readonly number[]): number {
  return shares.reduce((sum, share, bin) => sum + bin * share, 0);
}

/** Slope of the mean along each logit. */
export function distanceSlope(shares: readonly number[]): number[] {
  const distance = distanceOf(shares);
  return shares.map((share, bin) => share * (bin - distance));
}

/** Greatest distance that is aimed at: a little less than the last bin, so that there is always a bin above. */
export function clampDistance(distance: number, bins: number): number {
  return Math.min(Math.max(distance, 0), bins - 1 - 0.01);
}

/** Shares that the loss aims at: those of the two bins around the distance, by nearness. */
export function targetShares(distance: number, bins: number): number[] {
  const below = Math.floor(distance);
  const above = distance - below;
  return Array.from({ length: bins }, (_, bin) => bin === below ? 1 - above : bin === below + 1 ? above : 0);
}

/** Cross entropy of a side's distribution with the two bins around the target, and its slope along each logit. */
export function distributionLoss(
  logits: readonly number[],
  target: number,
): { readonly value: number; readonly slope: number[] } {
  const aims = targetShares(target, logits.length);
  const most = Math.max(...logits);
  const logSum = most + Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - most), 0));
  const shares = sharesOf(logits);
  return {
    value: aims.reduce((sum, aim, bin) => sum + aim * (logSum - logits[bin]), 0),
    slope: shares.map((share, bin) => share - aims[bin]),
  };
}
